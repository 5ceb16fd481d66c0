"""Corrects what is stored about people: by a caller, by the decision of a desk, by the landing of a batch."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.chassis.errors import FieldError, InvalidInput
from libs.chassis.etag import Condition
from libs.events.catalogue.arrivals import AgeTold
from libs.events.catalogue.registration import ReturneeChanged
from libs.events.codes import AgeBand, DeletionReason, ProtectionFlag
from libs.events.outbox import append
from libs.events.people_codes import AgeBasis, AgeGroup
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.organizations.queries import acting_for
from services.registration.pack import Pack
from services.registration.people import queries
from services.registration.people.actions.field_changes import note_changes
from services.registration.people.actions.merging import to_compare
from services.registration.people.rules import (
    AGE,
    INDEX_FORM,
    Age,
    age_of,
    birth_date_fault,
    birth_date_is_possible,
    corrected_age,
    held_faults,
    is_child_alone,
    return_is_perhaps_unlawful,
)
from services.registration.people.schemas import ReturneeCorrection
from services.registration.people.tables import Returnee
from services.registration.sharing.actions import Withdrawn, ask_for_deletion
from services.registration.vault.queries import data_key
from services.registration.vault.sealing import Vault

_COMPARED = frozenset({"sex", "destination"})
"""The facts of the profile by which people are compared."""


class Standing(NamedTuple):
    """What consents and needs depend on."""

    group: AgeGroup
    child_alone: bool
    perhaps_unlawful: bool


class Turn(NamedTuple):
    """A changed person, whose row is locked, and what was known before the change."""

    row: Returnee
    before: Standing


def known_age(row: Returnee) -> Age:
    """What is stored about the age of a person."""
    basis = None if row.age_basis is None else AgeBasis(row.age_basis)
    return Age(AgeBand(row.age_band), AgeGroup(row.age_group), basis, row.age_decided_at)


def standing(row: Returnee) -> Standing:
    """What consents and needs of a person depend on."""
    return Standing(
        AgeGroup(row.age_group),
        is_child_alone(row.age_group, row.protection_flags, has_household=row.household_id is not None),
        return_is_perhaps_unlawful(row.protection_flags, row.return_signs),
    )


async def correct_returnee(
    session: AsyncSession,
    returnee_id: UUID,
    correction: ReturneeCorrection,
    *,
    condition: Condition,
    actor: Actor,
    vault: Vault,
    pack: Pack,
) -> Turn:
    """Add or correct data of a person, and publish a changed profile."""
    _require_known_documents(correction, pack)
    row = await queries.returnee(session, returnee_id, actor=actor, lock=True)
    condition.check(row.version)
    before, avoided_before, former = queries.profile_fields(row), await _excluded(session, row), standing(row)
    if correction.identity.model_fields_set or correction.profile.age is not None:
        await _correct_identity(row, correction, vault=vault, today=pack.reception.day_of(now(session)))
    _correct_place(row, correction.reception_place, places=pack.reception.places)
    _correct_profile(row, correction, actor)
    for name in correction.return_facts.model_fields_set:
        setattr(row, f"return_{name}", getattr(correction.return_facts, name))
    row.version += 1
    if {**before, "version": row.version} == queries.profile_fields(row):
        await _write(session, row)
    else:
        await _tell(session, row)
    if correction.identity.model_fields_set or correction.profile.model_fields_set & _COMPARED:
        await to_compare(session, [row.id])
    if avoided := await _excluded(session, row) - avoided_before:
        withdrawn = Withdrawn(
            row.id, row.case_code, DeletionReason.DO_NOT_SHARE, organizations=avoided, traceparent=row.traceparent
        )
        await ask_for_deletion(session, withdrawn, pack=pack, actor=actor)
    await record(session, actor, [_access(row, "returnee.correct", AccessPurpose.CORRECTION, _fields(correction))])
    await note_changes(session, [row.id], correction.pointers)
    return Turn(row, former)


async def _excluded(session: AsyncSession, row: Returnee) -> set[UUID]:
    """The organisations that the person excludes, by themselves or with the state for which they act."""
    return {*row.avoid_organizations, *await acting_for(session, row.avoid_countries)}


def _fields(correction: ReturneeCorrection) -> list[str]:
    return sorted(
        correction.identity.model_fields_set
        | correction.profile.model_fields_set
        | correction.model_fields_set & {"reception_place", "return_facts"}
    )


def _require_known_documents(correction: ReturneeCorrection, pack: Pack) -> None:
    held = correction.profile.documents_held or []
    faults = held_faults(held, taxonomy=pack.taxonomy, pointer="/profile/documents_held")
    if faults:
        raise InvalidInput(errors=faults)


def _correct_place(row: Returnee, place: str | None, *, places: Collection[str]) -> None:
    if place is None:
        return
    if place not in places:
        raise InvalidInput(errors=[FieldError("/reception_place", "known-place", "This is not a reception place.")])
    if row.arrival_batch_id is not None:
        detail = "This person is received where their flight or bus arrives."
        raise InvalidInput(errors=[FieldError("/reception_place", "place-of-batch", detail)])
    row.reception_place = place


def _correct_profile(row: Returnee, correction: ReturneeCorrection, actor: Actor) -> None:
    hidden = queries.hidden_flags(row, actor)
    for name in correction.profile.model_fields_set - {"age"}:
        setattr(row, name, getattr(correction.profile, name))
    # A caller who cannot see a flag does not remove it by setting the other flags.
    row.protection_flags = [*row.protection_flags, *(flag for flag in hidden if flag not in row.protection_flags)]


async def _correct_identity(row: Returnee, correction: ReturneeCorrection, *, vault: Vault, today: date) -> None:
    key = await data_key(vault, row.id)
    identity = queries.identity_of(row, key).model_copy(
        update={name: getattr(correction.identity, name) for name in correction.identity.model_fields_set}
    )
    if identity.birth_date is not None and not birth_date_is_possible(identity.birth_date, on=today):
        raise InvalidInput(errors=[birth_date_fault("/identity")])
    for name in queries.IDENTITY_FIELDS:
        value = getattr(identity, name)
        plain = value.isoformat() if isinstance(value, date) else value
        setattr(row, f"{name}_sealed", key.seal_or_none(plain, table="returnee", column=name))
    told, date_is_told = correction.profile.age, "birth_date" in correction.identity.model_fields_set
    if told is not None or date_is_told:
        age, faults = corrected_age(
            known_age(row), birth_date=identity.birth_date, told=told, date_is_told=date_is_told, on=today
        )
        if faults:
            raise InvalidInput(errors=faults)
        _set_age(row, age)
    row.search_index, row.index_form = queries.index_tokens(vault.master, identity), INDEX_FORM


def _set_age(row: Returnee, age: Age) -> None:
    row.age_band, row.age_group = age.band.value, age.group.value
    row.age_basis = None if age.basis is None else age.basis.value
    row.age_decided_at = age.decided_at


async def _write(session: AsyncSession, row: Returnee) -> None:
    session.add(row)
    await session.flush()


async def _tell(session: AsyncSession, row: Returnee) -> None:
    """Write a row with a new version, and publish its profile."""
    row.told_version = row.version
    await _write(session, row)
    changed = ReturneeChanged.model_validate(queries.profile_fields(row))
    await append(session, [changed], traceparents=[row.traceparent])


async def decide_age(
    session: AsyncSession, returnee_id: UUID, decided: AgeTold, *, at: datetime, actor: Actor, vault: Vault, today: date
) -> Turn | None:
    """Store what a desk decided about the age of a person, and publish the profile. None if a later decision is stored,
    or if the person is not known here or has been erased.

    A settled age is not disputed any more, so the flag is removed.
    """
    query = select(Returnee).where(Returnee.id == returnee_id, col(Returnee.erased_at).is_(None))
    locking = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    row = (await session.exec(locking)).first()
    if row is None or (row.age_decided_at is not None and row.age_decided_at > at):
        return None
    identity, former = queries.identity_of(row, await data_key(vault, row.id)), standing(row)
    _set_age(row, age_of(identity.birth_date, decided, on=today, decided_at=at))
    if decided.group is not AgeGroup.UNSURE:
        row.protection_flags = [flag for flag in row.protection_flags if flag != ProtectionFlag.AGE_DISPUTED]
    row.version += 1
    await _tell(session, row)
    await record(session, actor, [_access(row, "returnee.decide_age", AccessPurpose.CORRECTION, ["profile"])])
    await note_changes(session, [row.id], [AGE])
    return Turn(row, former)


def _access(row: Returnee, action: str, purpose: AccessPurpose, fields: Sequence[str]) -> Access:
    return Access(subject_id=row.id, kind=AccessKind.WRITE, action=action, purpose=purpose, fields=fields)


async def place_returnees(session: AsyncSession, arrival_batch_id: UUID, *, reception_place: str) -> None:
    """Set the place of reception of people who came before the place of their batch was known, and publish each of
    them."""
    unplaced = select(Returnee.id).where(
        Returnee.arrival_batch_id == arrival_batch_id,
        col(Returnee.reception_place).is_(None),
        col(Returnee.erased_at).is_(None),
    )
    placing = (
        update(Returnee)
        .where(col(Returnee.id).in_(unplaced.order_by(col(Returnee.id)).with_for_update(key_share=True)))
        .values(reception_place=reception_place, version=Returnee.version + 1, told_version=Returnee.version + 1)
        .returning(Returnee)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    rows = sorted((await session.exec(placing)).scalars(), key=lambda row: row.id)
    events = [ReturneeChanged.model_validate(queries.profile_fields(row)) for row in rows]
    await append(session, events, traceparents=[row.traceparent for row in rows])
