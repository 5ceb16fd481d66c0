"""Queries of returnees: rows, views with the decrypted identity, and search."""

from collections.abc import Collection, Sequence
from datetime import date
from functools import partial
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, or_, text, true
from sqlalchemy.orm import Mapped
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import own_work, raw
from libs.chassis.errors import FieldError, InvalidInput, NotFound
from libs.events.catalogue.arrivals import Identity, ReturnFacts
from libs.events.catalogue.registration import RoutingProfile
from libs.events.codes import AccessNeed, AgeBand, IdentityDocumentStatus, ProtectionFlag, Sex
from libs.events.people_codes import AgeBasis, AgeGroup, ClientKind
from libs.wire.names import name_readings, words_to_find
from services.registration.audit.rules import Actor
from services.registration.errors import ReturneeErased
from services.registration.people.rules import (
    CASE_CODES,
    CHILD_FLAGS,
    INDEX_FORM,
    PERHAPS_CHILDREN,
    case_code,
    plain_document_number,
)
from services.registration.people.schemas import (
    IdentityView,
    ProfileView,
    RegisteredView,
    ReturneeSearch,
    ReturneeView,
)
from services.registration.people.tables import Returnee
from services.registration.vault.queries import data_keys, opened_or_none
from services.registration.vault.sealing import DataKey, MasterKey, Vault

IDENTITY_FIELDS = ("given_names", "family_names", "birth_date", "document_number")


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The condition for people whom a caller may see: those of its reception places and its own; for the child desk
    only children."""
    if actor.sight.children_only:
        in_doubt = (col(Returnee.protection_flags).contains([flag.value]) for flag in sorted(CHILD_FLAGS))
        return or_(col(Returnee.age_group).in_([group.value for group in sorted(PERHAPS_CHILDREN)]), *in_doubt)
    return within_sight(
        actor,
        source=col(Returnee.source),
        organization_id=col(Returnee.organization_id),
        reception_place=col(Returnee.reception_place),
    )


def within_sight(
    actor: Actor,
    *,
    source: Mapped[str],
    organization_id: Mapped[UUID | None],
    reception_place: Mapped[str | None],
) -> ColumnElement[bool]:
    """The condition for rows that a caller may see.

    These are the rows of the caller's organisation, or its own if it acts for none, and of its reception places.
    An organisation never sees rows of another organisation, wherever the people were received (domain P18). If the
    place is not known, every reception sees the network's rows until it is known, so that nobody is lost.
    """
    here = or_(false(), *(reception_place.startswith(area, autoescape=True) for area in actor.sight.areas))
    if actor.sight.areas:
        here = or_(here, and_(reception_place.is_(None), organization_id.is_(None)))
    if actor.sight.everywhere:
        here = true()
    if actor.organization_id is None:
        return or_(here, and_(organization_id.is_(None), source == actor.source))
    return or_(organization_id == actor.organization_id, and_(organization_id.is_(None), here))


async def returnee(
    session: AsyncSession, returnee_id: UUID, *, actor: Actor, lock: bool = False, also_erased: bool = False
) -> Returnee:
    """One returnee; NotFound if the caller may not see the person, ReturneeErased after erasure unless
    `also_erased`."""
    query = select(Returnee).where(Returnee.id == returnee_id, visible_to(actor))
    if lock:
        query = query.with_for_update(key_share=True)
    found = (await session.exec(query)).first()
    if found is None:
        raise NotFound
    if found.erased_at is not None and not also_erased:
        raise ReturneeErased
    return found


async def visible_among(session: AsyncSession, returnee_ids: Collection[UUID], *, actor: Actor) -> Sequence[Returnee]:
    """The people among these whom the caller may see, also erased ones."""
    query = select(Returnee).where(col(Returnee.id).in_(returnee_ids), visible_to(actor))
    return (await session.exec(query.order_by(col(Returnee.id)))).all()


async def require_known(session: AsyncSession, returnee_ids: Collection[UUID]) -> None:
    """Raise InvalidInput if the caller may not see one of these people. Only row-level security decides this here."""
    rows = await (await raw(session)).fetch("SELECT id FROM returnee WHERE id = ANY($1::uuid[])", list(returnee_ids))
    if {row["id"] for row in rows} != set(returnee_ids):
        raise InvalidInput(errors=[member_fault()])


def member_fault() -> FieldError:
    """The fault if a member of a household is a person whom the caller cannot see."""
    return FieldError("/member_ids", "known", "A member is not a returnee that you can see.")


async def lock_unchanged(session: AsyncSession, returnee_ids: Collection[UUID]) -> None:
    """Lock these people, so that nobody changes them or their consents until this transaction ends. Readers do not
    wait."""
    statement = "SELECT 1 FROM returnee WHERE id = ANY($1::uuid[]) ORDER BY id FOR SHARE"
    await (await raw(session)).fetch(statement, list(returnee_ids))


async def known_arrivals(session: AsyncSession, arrival_keys: Collection[bytes]) -> dict[bytes, UUID]:
    """The returnees of these arrivals who were registered before, including erased people while their arrivals may be
    repeated."""
    if not arrival_keys:
        return {}
    rows = await (await raw(session)).fetch(
        "SELECT arrival_key, id FROM returnee WHERE arrival_key = ANY($1)"
        " UNION ALL SELECT arrival_key, returnee_id FROM erasure WHERE arrival_key = ANY($1)",
        list(arrival_keys),
    )
    return {row["arrival_key"]: row["id"] for row in rows}


async def fresh_case_codes(
    session: AsyncSession, returnee_ids: Sequence[UUID], *, country: str, master: MasterKey
) -> list[str]:
    """A case code for each of these people that nobody has yet. The same person would get the same code again."""
    codes: dict[UUID, str] = {}
    connection = await raw(session)
    attempt = 0
    while len(codes) < len(returnee_ids):
        drawn = {
            one: case_code(country, master.number("case_code", str(one), str(attempt)) % CASE_CODES)
            for one in returnee_ids
            if one not in codes
        }
        rows = await connection.fetch(
            "SELECT case_code FROM returnee WHERE case_code = ANY($1)"
            " UNION ALL SELECT case_code FROM spent_case_code WHERE case_code = ANY($1)",
            list(drawn.values()),
        )
        used = {row["case_code"] for row in rows} | set(codes.values())
        for one, code in drawn.items():
            if code not in used:
                codes[one] = code
                used.add(code)
        attempt += 1
    return [codes[one] for one in returnee_ids]


def registered_view(row: Returnee, *, actor: Actor) -> RegisteredView:
    """A returnee without identity."""
    return RegisteredView.model_validate(_registered(row, actor))


def hidden_flags(row: Returnee, actor: Actor) -> list[str]:
    """The person's flags that reveal a restricted need, if the caller may not see such needs."""
    hides = bool(actor.hidden_categories(row.organization_id))
    return [flag for flag in row.protection_flags if hides and flag == ProtectionFlag.RESTRICTED_PATH]


def returnee_view(row: Returnee, key: DataKey, *, actor: Actor) -> ReturneeView:
    """A returnee with the decrypted identity."""
    reference = key.open_or_none(row.sender_reference_sealed, table="returnee", column="sender_reference")
    return ReturneeView.model_validate(
        {**_registered(row, actor), "identity": identity_of(row, key), "sender_reference": reference or ""}
    )


def identity_of(row: Returnee, key: DataKey) -> IdentityView:
    """The decrypted identity; raises VaultError if key and row do not belong together."""

    def text_of(column: str) -> str | None:
        return key.open_or_none(getattr(row, f"{column}_sealed"), table="returnee", column=column)

    birth_date = text_of("birth_date")
    return IdentityView(
        given_names=text_of("given_names") or "",
        family_names=text_of("family_names") or "",
        birth_date=None if birth_date is None else date.fromisoformat(birth_date),
        document_number=text_of("document_number"),
    )


async def search(
    session: AsyncSession, body: ReturneeSearch, *, actor: Actor, vault: Vault, limit: int
) -> list[ReturneeView]:
    """Up to `limit` people who match all search terms, newest first, with identity. The caller has to check these
    hits."""
    exact = _exact_tokens(vault.master, birth_date=body.birth_date, document_number=body.document_number)
    readings = [exact | _name_tokens(vault.master, reading) for reading in name_readings(body.names or "")]
    query = select(Returnee.id).where(col(Returnee.erased_at).is_(None), visible_to(actor))
    if any(readings):
        query = query.where(or_(*(col(Returnee.search_index).contains(sorted(reading)) for reading in readings)))
    if body.case_code is not None:
        query = query.where(Returnee.case_code == body.case_code)
    # With row-level security PostgreSQL cannot use the index of hashes. So the service searches with its own rights,
    # and then reads the rows with those of the caller.
    async with own_work(session):
        found = (await session.exec(query.order_by(col(Returnee.id).desc()).limit(limit))).all()
    shown = select(Returnee).where(col(Returnee.id).in_(found)).order_by(col(Returnee.id).desc())
    rows = (await session.exec(shown)).all()
    keys = await data_keys(vault, [row.id for row in rows])
    views = [opened_or_none(partial(returnee_view, row, keys[row.id], actor=actor)) for row in rows if row.id in keys]
    return [view for view in views if view is not None]


def matches(view: ReturneeView, body: ReturneeSearch) -> bool:
    """Whether a hit of the keyed hashes also matches in plain text."""
    found = words_to_find(view.identity.given_names, view.identity.family_names)
    number = view.identity.document_number
    return (
        any(reading <= found for reading in name_readings(body.names or ""))
        and body.birth_date in (None, view.identity.birth_date)
        and (
            body.document_number is None
            or (number is not None and plain_document_number(number) == plain_document_number(body.document_number))
        )
    )


def index_tokens(master: MasterKey, identity: Identity | IdentityView) -> list[int]:
    """The keyed hashes by which a person is found, sorted, each once."""
    names = _name_tokens(master, words_to_find(identity.given_names, identity.family_names))
    exact = _exact_tokens(master, birth_date=identity.birth_date, document_number=identity.document_number)
    return sorted(names | exact)


def _name_tokens(master: MasterKey, found: Collection[str]) -> set[int]:
    return {master.token("name", word) for word in found}


def _exact_tokens(master: MasterKey, *, birth_date: date | None, document_number: str | None) -> set[int]:
    tokens = set()
    if birth_date is not None:
        tokens.add(master.token("birth_date", birth_date.isoformat()))
    if document_number is not None and plain_document_number(document_number):
        tokens.add(master.token("document_number", plain_document_number(document_number)))
    return tokens


async def indexed_in_an_older_form(session: AsyncSession, *, limit: int) -> Sequence[Returnee]:
    """People whose hashes have an older form of names, locked. Rows that others have locked are skipped until the next
    round."""
    due = select(Returnee).where(text(f"index_form < {INDEX_FORM}"), col(Returnee.erased_at).is_(None))
    locked = due.order_by(col(Returnee.id)).limit(limit).with_for_update(skip_locked=True, key_share=True)
    return (await session.exec(locked)).all()


def profile_fields(row: Returnee) -> dict[str, object]:
    """The routing profile of a row as the fields of `RoutingProfile`."""
    names: Sequence[str] = [name for name in RoutingProfile.model_fields if name not in ("returnee_id", "type")]
    return {"returnee_id": row.id, **{name: getattr(row, name) for name in names}}


def _registered(row: Returnee, actor: Actor) -> dict[str, object]:
    hidden = hidden_flags(row, actor)
    return {
        "id": row.id,
        "case_code": row.case_code,
        "version": row.version,
        "arrival_batch_id": row.arrival_batch_id,
        "reception_place": row.reception_place,
        "household_id": row.household_id,
        "arrived_at": row.arrived_at,
        "registered_at": row.registered_at,
        "merged": row.merged_into is not None,
        "return_facts": {name: getattr(row, f"return_{name}") for name in ReturnFacts.model_fields},
        "profile": ProfileView(
            age_band=AgeBand(row.age_band),
            age_group=AgeGroup(row.age_group),
            age_basis=None if row.age_basis is None else AgeBasis(row.age_basis),
            client_kind=ClientKind(row.client_kind),
            sex=Sex(row.sex),
            nationality=row.nationality,
            identity_document=IdentityDocumentStatus(row.identity_document),
            documents_held=row.documents_held,
            languages=row.languages,
            destination=row.destination,
            access_needs=[AccessNeed(code) for code in row.access_needs],
            protection_flags=[ProtectionFlag(code) for code in row.protection_flags if code not in hidden],
            avoid_places=row.avoid_places,
            avoid_organizations=row.avoid_organizations,
            avoid_countries=row.avoid_countries,
        ),
    }
