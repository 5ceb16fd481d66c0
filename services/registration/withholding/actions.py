"""Record whom a person excludes, and why they withhold something."""

from collections.abc import Collection
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.chassis.errors import FieldError, InvalidInput, NotFound
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.excluded_people import actions as excluded_people
from services.registration.excluded_people.queries import excluded_by
from services.registration.excluded_people.rules import EXCLUDED_PEOPLE
from services.registration.intake.actions.corrections import leave_excluded
from services.registration.pack import Pack
from services.registration.people.actions.field_changes import note_changes
from services.registration.people.actions.merging import lock_people, records_of
from services.registration.people.queries import returnee, visible_among
from services.registration.vault.queries import data_key
from services.registration.vault.sealing import Vault
from services.registration.withholding import queries
from services.registration.withholding.rules import reason_faults
from services.registration.withholding.schemas import ExcludedPersonBody, ExcludedPersonView, ReasonBody, ReasonView
from services.registration.withholding.tables import WithholdingReason

_MOST = 40


async def exclude_person(
    session: AsyncSession, returnee_id: UUID, body: ExcludedPersonBody, *, actor: Actor, vault: Vault, pack: Pack
) -> UUID:
    """Record that a person excludes somebody; return the id of the exclusion. If both are in one household, the person
    who excludes leaves it at once, so that no packet and no offer is for both."""
    faults = reason_faults(body.reason, body.reason_words, known=pack.reception.withholding.reasons)
    if body.name is None and body.returnee_id is None:
        faults.append(FieldError("/name", "name-or-record", "Give a name, or the record of the excluded person."))
    if faults:
        raise InvalidInput(errors=faults)
    await returnee(session, returnee_id, actor=actor)
    rows = await lock_people(session, await records_of(session, [returnee_id]))
    person = await returnee(session, returnee_id, actor=actor)
    own = await records_of(session, [returnee_id])  # a merge may have ended while this waited for the locks
    await _require_another(session, own, body.returnee_id, actor=actor)
    if len(await excluded_by(session, [person.id])) >= _MOST:
        raise InvalidInput(errors=[FieldError("/name", "at-most", f"A person excludes at most {_MOST} people.")])
    told = body.told
    key = await data_key(vault, person.id)
    row_id = await excluded_people.exclude(session, person.id, body.returnee_id, told, key=key)
    for row in rows.values():
        if row.erased_at is None:
            await leave_excluded(session, row, actor=actor, vault=vault, pack=pack)
    await record(session, actor, [_access(person.id, AccessKind.WRITE, "excluded_person.add")])
    return row_id


async def _require_another(
    session: AsyncSession, own: Collection[UUID], other_id: UUID | None, *, actor: Actor
) -> None:
    if other_id is None:
        return
    if other_id in own:
        raise InvalidInput(errors=[FieldError("/returnee_id", "another-person", "This is a record of the person.")])
    found = await visible_among(session, [other_id], actor=actor)
    if not found or found[0].erased_at is not None:
        raise InvalidInput(errors=[FieldError("/returnee_id", "known", "This is not a returnee that you can see.")])


async def end_exclusion(session: AsyncSession, returnee_id: UUID, exclusion_id: UUID, *, actor: Actor) -> UUID:
    """End an exclusion, and delete what was told."""
    person = await returnee(session, returnee_id, actor=actor, lock=True)
    row = next((one for one in await excluded_by(session, [person.id]) if one.id == exclusion_id), None)
    if row is None:
        raise NotFound
    await excluded_people.end_exclusion(session, row)
    await note_changes(session, [person.id], [EXCLUDED_PEOPLE])
    await record(session, actor, [_access(person.id, AccessKind.WRITE, "excluded_person.end")])
    return person.id


async def set_reason(
    session: AsyncSession, returnee_id: UUID, body: ReasonBody, *, actor: Actor, vault: Vault, pack: Pack
) -> None:
    """Record or delete the reason of something that the person withholds now."""
    person = await returnee(session, returnee_id, actor=actor, lock=True)
    faults = reason_faults(body.reason, body.reason_words, known=pack.reception.withholding.reasons)
    if body.value not in await queries.withheld_values(session, person, body.about):
        faults.append(FieldError("/value", "withheld", "The person does not withhold this."))
    if faults:
        raise InvalidInput(errors=faults)
    row = await session.get(WithholdingReason, (person.id, body.about.value, body.value))
    if body.reason is not None:
        told = queries.ToldReason(reason=body.reason, reason_words=body.reason_words)
        key, column = await data_key(vault, person.id), f"told.{body.about.value}.{body.value}"
        sealed = key.seal(told.model_dump_json(exclude_none=True), table=queries.TABLE, column=column)
        row = row or WithholdingReason(
            returnee_id=person.id, about=body.about.value, value=body.value, told_sealed=sealed, told_at=now(session)
        )
        row.told_sealed, row.told_at = sealed, now(session)
        session.add(row)
    elif row is not None:
        await session.delete(row)
    await session.flush()
    await record(session, actor, [_access(person.id, AccessKind.WRITE, "withholding_reason.set")])


async def look_up_excluded(
    session: AsyncSession, returnee_id: UUID, *, actor: Actor, vault: Vault
) -> list[ExcludedPersonView]:
    """The people whom a person excludes. The access is recorded."""
    person = await returnee(session, returnee_id, actor=actor)
    found = await queries.excluded(session, person.id, key=await data_key(vault, person.id), actor=actor)
    await record(session, actor, [_access(person.id, AccessKind.READ, "excluded_person.read")])
    return found


async def look_up_reasons(session: AsyncSession, returnee_id: UUID, *, actor: Actor, vault: Vault) -> list[ReasonView]:
    """Why a person withholds what they withhold now. The access is recorded."""
    person = await returnee(session, returnee_id, actor=actor)
    found = await queries.reasons(session, person, key=await data_key(vault, person.id))
    await record(session, actor, [_access(person.id, AccessKind.READ, "withholding_reason.read")])
    return found


def _access(returnee_id: UUID, kind: AccessKind, action: str) -> Access:
    fields = [action.rpartition(".")[0]]
    return Access(subject_id=returnee_id, kind=kind, action=action, purpose=AccessPurpose.REGISTRATION, fields=fields)
