"""Takes in one operation, in one transaction: what it does, its result, and the place of the device in its sequence."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.chassis.errors import Refusal
from services.registration.device_errors import SequenceTaken
from services.registration.people.queries import require_known
from services.registration.sync import queries
from services.registration.sync.actions.applying import apply, names_in, require_scope, with_ids
from services.registration.sync.actions.given import Done, Given, Moments
from services.registration.sync.actions.reading import Read, in_operation, too_old
from services.registration.sync.rules import Made, corrected, in_order, is_too_old, shift_of
from services.registration.sync.schemas import JoinHousehold, MarkAbsent, Operation, RegisterPerson
from services.registration.sync.tables import SyncOperation
from services.registration.walls import own

# The row stays locked until the transaction ends: two requests of a device never take in one operation each at a time.
_LOCK = """
    INSERT INTO sync_device (owner, device_id, last_sequence, last_at, seen_at) VALUES ($1, $2, 0, $3, $4)
    ON CONFLICT (owner, device_id) DO UPDATE SET seen_at = excluded.seen_at RETURNING last_sequence, last_at
"""
_KEEP = """
    WITH device AS (
        UPDATE sync_device SET last_sequence = greatest(last_sequence, $4), last_at = greatest(last_at, $14)
        WHERE owner = $1 AND device_id = $2
    )
    INSERT INTO sync_operation (owner, device_id, operation_id, sequence, kind, fingerprint, client_person_id,
        returnee_id, created_id, outcome, superseded, conflict_ids, done_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Begun:
    """An operation that is new, with our ids, and its times."""

    op: Operation
    moments: Moments


async def take_in(
    session: AsyncSession, one: Read, given: Given, *, offset: timedelta
) -> tuple[SyncOperation, str | None, bool]:
    """Do what an operation says and store its result. Returns the stored result, the person's case code, and whether it
    is new: False for an operation that was taken in before, which changes nothing."""
    assert one.op is not None, "only a readable operation is taken in"
    op = one.op
    require_scope(op, given)
    begun = await own(session, lambda: _begin(session, op, given, offset=offset))()
    if isinstance(begun, SyncOperation):
        return begun, None, False

    async def work() -> tuple[SyncOperation, str | None]:
        done = await apply(session, begun.op, begun.moments, given)
        return await _keep(session, one, done, begun.moments, given)

    try:
        if isinstance(begun.op, JoinHousehold):
            await require_known(session, begun.op.data.member_ids)
        row, case_code = await own(session, work, **_rows_of(begun.op))()
    except Refusal as refusal:
        raise in_operation(refusal, op) from None
    return row, case_code, True


def _rows_of(op: Operation) -> Mapping[str, UUID | None]:
    """The rows that the caller must see, by table."""
    match op:
        case RegisterPerson():
            return {"arrival_batch": op.data.arrival_batch_id}
        case MarkAbsent():
            return {"arrival_batch": op.arrival_batch_id}
        case JoinHousehold():
            return {"household": op.household_id}
        case _:
            return {"returnee": op.returnee_id}


async def _begin(session: AsyncSession, op: Operation, given: Given, *, offset: timedelta) -> SyncOperation | _Begun:
    at, of_device = now(session), (given.owner, given.device_id)
    device = await (await raw(session)).fetchrow(_LOCK, *of_device, _LONG_AGO, at)
    assert device is not None, "the statement returns the row in both cases"
    before = await queries.taken_in(session, *of_device, [op.id], [op.sequence])
    if op.id in before:
        return before[op.id]
    if before:
        raise SequenceTaken
    moment = corrected(op.made_at, by=offset, at=at)
    if is_too_old(moment, at=at):
        raise too_old()
    made_at = in_order(moment, sequence=op.sequence, last_sequence=device["last_sequence"], last_at=device["last_at"])
    made = Made(min(made_at, at), given.device_id, getattr(op, "base_revision", None))
    known = await queries.named(session, *of_device, names_in(op))
    return _Begun(with_ids(op, known), Moments(made, op.id, shift_of(offset), at))


async def _keep(
    session: AsyncSession, one: Read, done: Done, moments: Moments, given: Given
) -> tuple[SyncOperation, str | None]:
    assert one.op is not None, "only a readable operation is taken in"
    row = SyncOperation(
        owner=given.owner,
        device_id=given.device_id,
        operation_id=one.op.id,
        sequence=one.op.sequence,
        kind=one.op.kind.value,
        fingerprint=fingerprint(one, given),
        client_person_id=done.client_person_id,
        returnee_id=done.returnee_id,
        created_id=done.created_id,
        outcome=done.outcome.value,
        superseded=done.superseded,
        conflict_ids=done.conflict_ids,
        done_at=now(session),
    )
    await session.flush()
    values = [getattr(row, name) for name in queries.OPERATION_COLUMNS]
    await (await raw(session)).execute(_KEEP, *values, moments.made.at)
    people = [] if done.returnee_id is None else [done.returnee_id]
    shown = await queries.shown_people(session, people)
    return row, None if done.returnee_id is None else shown[done.returnee_id][0]


def fingerprint(one: Read, given: Given) -> bytes:
    """A keyed hash of the whole operation."""
    return given.vault.master.blind("sync_operation", str(given.owner), str(given.device_id), one.text)
