"""Record the stages of check-ins, each once, in whatever order they are reported."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import raw
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.wristbands import queries
from services.registration.wristbands.rules import BandStatus, Stage, StageOutcome, Subject
from services.registration.wristbands.schemas import StageResult, StageTold
from services.registration.wristbands.tables import CheckIn, Wristband

_REGISTERED = "SELECT id, registered_at FROM returnee WHERE id = ANY($1::uuid[])"


async def record_stages(session: AsyncSession, told: Sequence[StageTold], *, actor: Actor) -> list[StageResult]:
    """Record the stages that have no time yet; return one result for each, in the same order.

    The first stage of a band shows that a person has it: from then on the caller is the owner of this band.
    """
    band_ids = {one.subject.wristband_id for one in told if one.subject.wristband_id is not None}
    person_ids = {one.subject.returnee_id for one in told if one.subject.returnee_id is not None}
    bands = await queries.locked_bands(session, band_ids)
    await queries.lock_people(session, person_ids)
    rows = {
        subject: row
        for row in await queries.check_ins(session, wristband_ids=band_ids, returnee_ids=person_ids)
        for subject in (Subject(wristband_id=row.wristband_id), Subject(returnee_id=row.returnee_id))
    }
    registered = await _registered(session, person_ids)
    results = [_take(session, one, bands, rows, registered, actor=actor) for one in told]
    await session.flush()
    await _record(session, rows, told, actor=actor)
    return results


def _take(
    session: AsyncSession,
    told: StageTold,
    bands: Mapping[UUID, Wristband],
    rows: dict[Subject, CheckIn],
    registered: Mapping[UUID, datetime],
    *,
    actor: Actor,
) -> StageResult:
    subject = told.subject
    band = None if subject.wristband_id is None else bands[subject.wristband_id]
    if band is not None and band.status == BandStatus.VOID:
        return StageResult(StageOutcome.REFUSED, rule="wristband-void")
    row = rows.get(subject)
    if row is None:
        row = rows[subject] = CheckIn(
            id=uuid7(), arrival_batch_id=told.arrival_batch_id, wristband_id=subject.wristband_id,
            returnee_id=subject.returnee_id,
            registered_at=None if subject.returnee_id is None else registered[subject.returnee_id],
        )  # fmt: skip
    if band is not None and band.status == BandStatus.ISSUED:
        band.status, band.owner, band.handed_out_at = BandStatus.IN_USE.value, actor.principal, told.at
        session.add(band)
    column = f"{told.stage.value}_at"
    known: datetime | None = getattr(row, column)
    if known is not None:
        return StageResult(StageOutcome.ALREADY_RECORDED, at=known)
    setattr(row, column, told.at)
    if told.stage is Stage.EXITED:
        row.exited_to = None if told.exited_to is None else told.exited_to.value
    session.add(row)
    return StageResult(StageOutcome.RECORDED, at=told.at)


async def _registered(session: AsyncSession, person_ids: set[UUID]) -> dict[UUID, datetime]:
    rows = await (await raw(session)).fetch(_REGISTERED, list(person_ids))
    return {row["id"]: row["registered_at"] for row in rows}


async def _record(
    session: AsyncSession, rows: Mapping[Subject, CheckIn], told: Sequence[StageTold], *, actor: Actor
) -> None:
    """Record a write of the data of each person who is registered. A band without details is of nobody yet."""
    touched = [row for one in told if (row := rows.get(one.subject)) is not None]
    people = dict.fromkeys(row.returnee_id for row in touched if row.returnee_id is not None)
    accesses = [
        Access(
            subject_id=one, kind=AccessKind.WRITE, action="returnee.check_in", purpose=AccessPurpose.REGISTRATION,
            fields=["check_in"],
        )
        for one in people
    ]  # fmt: skip
    await record(session, actor, accesses)
