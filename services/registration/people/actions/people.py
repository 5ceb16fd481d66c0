"""Registers and shows people. Many people are registered at once, with one statement per table."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.chassis.errors import InvalidInput
from libs.chassis.paging import Page, PageRequest
from libs.events.catalogue.registration import ReturneeRegistered
from libs.events.outbox import append
from services.registration.audit.actions import array_text, record
from services.registration.audit.queries import access_log
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.audit.schemas import AccessView
from services.registration.people import queries
from services.registration.people.actions.merging import records_of
from services.registration.people.rules import (
    INDEX_FORM,
    age_of,
    search_faults,
)
from services.registration.people.schemas import (
    FoundReturnees,
    NewReturnee,
    ReturneeSearch,
    ReturneeView,
)
from services.registration.vault.queries import data_key
from services.registration.vault.sealing import DataKey, Vault

_INSERT = """
    INSERT INTO returnee (
        id, case_code, version, arrival_key, manifest_key, source, organization_id, arrival_batch_id,
        reception_place, household_id, arrived_at, age_band, sex, nationality, identity_document, documents_held,
        languages, destination, access_needs, protection_flags, avoid_places, avoid_organizations,
        given_names_sealed, family_names_sealed, birth_date_sealed, document_number_sealed,
        sender_reference_sealed, search_index, traceparent, age_group, age_basis, return_kind,
        return_order, return_mode, return_signs, client_kind, registered_at,
        index_form)
    SELECT id, case_code, 1, arrival_key, manifest_key, source, organization_id, arrival_batch_id,
        reception_place, household_id, arrived_at, age_band, sex, nationality, identity_document,
        documents_held::text[], languages::text[], destination, access_needs::text[], protection_flags::text[],
        avoid_places::text[], '{}', given_names, family_names, birth_date, document_number, sender_reference,
        search_index::bigint[], traceparent, age_group, age_basis, return_kind, return_order, return_mode,
        return_signs::text[], client_kind, $35, $36
    FROM unnest(
        $1::uuid[], $2::text[], $3::bytea[], $4::bytea[], $5::text[], $6::uuid[], $7::uuid[], $8::text[],
        $9::uuid[], $10::timestamptz[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
        $16::text[], $17::text[], $18::text[], $19::text[], $20::text[], $21::bytea[], $22::bytea[],
        $23::bytea[], $24::bytea[], $25::bytea[], $26::text[], $27::text[], $28::text[], $29::text[],
        $30::text[], $31::text[], $32::text[], $33::text[], $34::text[])
        AS r (id, case_code, arrival_key, manifest_key, source, organization_id, arrival_batch_id,
            reception_place, household_id, arrived_at, age_band, sex, nationality, identity_document,
            documents_held, languages, destination, access_needs, protection_flags, avoid_places, given_names,
            family_names, birth_date, document_number, sender_reference, search_index, traceparent, age_group,
            age_basis, return_kind, return_order, return_mode, return_signs, client_kind)
    ORDER BY arrival_key
    ON CONFLICT DO NOTHING
    RETURNING id
"""


async def register_returnees(
    session: AsyncSession, people: Sequence[NewReturnee], keys: Mapping[UUID, DataKey], *, country: str, vault: Vault
) -> set[UUID]:
    """Store new returnees, sealed, and publish them; return the ids of those who are new. One statement for all.

    Rows are written in the order of their arrival keys. If two transactions contain the same people, one waits for
    the other, and they do not deadlock. People whom another transaction has registered meanwhile are omitted.
    """
    if not people:
        return set()
    codes = await queries.fresh_case_codes(session, [one.id for one in people], country=country, master=vault.master)
    rows = [_row(person, keys[person.id], code=code, vault=vault) for person, code in zip(people, codes, strict=True)]
    connection = await raw(session)
    inserted = await connection.fetch(_INSERT, *map(list, zip(*rows, strict=True)), now(session), INDEX_FORM)
    new = {row["id"] for row in inserted}
    told = [
        (_registered(person, code), person.traceparent)
        for person, code in zip(people, codes, strict=True)
        if person.id in new
    ]
    await append(session, [event for event, _ in told], traceparents=[traceparent for _, traceparent in told])
    return new


def _row(person: NewReturnee, key: DataKey, *, code: str, vault: Vault) -> tuple[object, ...]:
    """The values of one row, in the order of the statement."""
    identity, profile, facts = person.identity, person.profile, person.return_facts
    age = age_of(identity.birth_date, profile.age, on=person.today)
    return (
        person.id,
        code,
        person.arrival_key,
        person.manifest_key,
        person.source,
        person.organization_id,
        person.arrival_batch_id,
        person.reception_place,
        person.household_id,
        person.arrived_at,
        age.band.value,
        profile.sex.value,
        profile.nationality,
        profile.identity_document.value,
        array_text(profile.documents_held),
        array_text(profile.told("languages") or []),
        profile.destination,
        array_text(profile.access_needs),
        array_text(profile.protection_flags),
        array_text(profile.avoid_places),
        key.seal(identity.given_names, table="returnee", column="given_names"),
        key.seal(identity.family_names, table="returnee", column="family_names"),
        key.seal_or_none(_iso(identity.birth_date), table="returnee", column="birth_date"),
        key.seal_or_none(identity.document_number, table="returnee", column="document_number"),
        key.seal(person.sender_reference, table="returnee", column="sender_reference"),
        array_text([str(token) for token in queries.index_tokens(vault.master, identity)]),
        person.traceparent,
        age.group.value,
        age.basis,
        facts.kind,
        facts.order,
        facts.mode,
        array_text(facts.signs),
        profile.client_kind,
    )


def _registered(person: NewReturnee, code: str) -> ReturneeRegistered:
    profile = person.profile
    age = age_of(person.identity.birth_date, profile.age, on=person.today)
    return ReturneeRegistered(
        returnee_id=person.id,
        version=1,
        case_code=code,
        arrival_batch_id=person.arrival_batch_id,
        reception_place=person.reception_place,
        household_id=person.household_id,
        age_band=age.band,
        age_group=age.group,
        client_kind=profile.client_kind,
        sex=profile.sex,
        nationality=profile.nationality,
        identity_document=profile.identity_document,
        documents_held=profile.documents_held,
        languages=profile.told("languages") or [],
        destination=profile.destination,
        access_needs=profile.access_needs,
        protection_flags=profile.protection_flags,
        avoid_places=profile.avoid_places,
        avoid_organizations=[],
    )


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


async def look_up_returnee(
    session: AsyncSession, returnee_id: UUID, *, purpose: AccessPurpose, actor: Actor, vault: Vault
) -> ReturneeView:
    """One returnee with identity. The access is recorded."""
    row = await queries.returnee(session, returnee_id, actor=actor)
    view = queries.returnee_view(row, await data_key(vault, row.id), actor=actor)
    await record(session, actor, [_read(row.id, "returnee.read", purpose)])
    return view


async def search_returnees(
    session: AsyncSession, body: ReturneeSearch, *, limit: int, actor: Actor, vault: Vault
) -> FoundReturnees:
    """The people who match, newest first, at most `limit`. Everybody who is shown is recorded as read; the search terms
    are not."""
    faults = search_faults(names=body.names, document_number=body.document_number, case_code=body.case_code)
    if faults:
        raise InvalidInput(errors=faults)
    found = await queries.search(session, body, actor=actor, vault=vault, limit=limit + 1)
    shown = [view for view in found[:limit] if queries.matches(view, body)]
    purpose = AccessPurpose.REGISTRATION
    await record(session, actor, [_read(view.id, "returnee.search", purpose) for view in shown])
    return FoundReturnees(items=shown, more=len(found) > limit)


async def look_up_access_log(
    session: AsyncSession, returnee_id: UUID, page: PageRequest, *, actor: Actor
) -> Page[AccessView]:
    """All accesses to this person's data, newest first, also after erasure. This access is recorded too. If records of
    the person are merged, those that the caller may see are one list."""
    row = await queries.returnee(session, returnee_id, actor=actor, also_erased=True)
    merged = {row.id, *await records_of(session, [row.id])}
    records = await queries.visible_among(session, merged, actor=actor)
    hides = any(actor.hidden_categories(one.organization_id) for one in records)
    log = await access_log(session, [one.id for one in records], page, restricted=not hides)
    access = Access(
        subject_id=row.id,
        kind=AccessKind.READ,
        action="access_log.read",
        purpose=AccessPurpose.REQUEST_OF_PERSON,
        fields=["access_log"],
    )
    await record(session, actor, [access])
    return log


def _read(returnee_id: UUID, action: str, purpose: AccessPurpose) -> Access:
    return Access(
        subject_id=returnee_id,
        kind=AccessKind.READ,
        action=action,
        purpose=purpose,
        fields=[*queries.IDENTITY_FIELDS, "profile", "return_facts"],
    )
