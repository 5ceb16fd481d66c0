"""Takes in the operations of one request, each in a transaction of its own with its result.

So what a result says is stored, also if the process ends in the middle; and a refused operation undoes nothing else.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.chassis.database_errors import refusal_of
from libs.chassis.errors import NotFound, Refusal, Unavailable
from libs.chassis.etag import VersionMismatch
from libs.chassis.logs import get_logger
from libs.chassis.problems import Problem, problem_document
from services.registration.device_errors import DependsOnRefused, NotProcessed, OperationFailed, OperationIdReused
from services.registration.errors import ReturneeErased
from services.registration.sync import queries
from services.registration.sync.actions.given import Given
from services.registration.sync.actions.one import fingerprint, take_in
from services.registration.sync.actions.reading import Read, in_turn, read_operation
from services.registration.sync.rules import Kind, Outcome, offset_of, status_of
from services.registration.sync.schemas import MissingSequences, OperationResult, SyncAnswer, SyncBody
from services.registration.sync.tables import SyncOperation
from services.registration.walls import own

log = get_logger(__name__)
Opening: TypeAlias = Callable[[], AbstractAsyncContextManager[AsyncSession]]
"""Opens a transaction in which only the rows of the caller are visible."""
_TRIES = 3
_DATABASE = (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


@dataclass(slots=True)
class _Turn:
    """One request while its operations are taken in."""

    given: Given
    opening: Opening
    offset: timedelta
    lacking: dict[UUID, OperationResult] = field(default_factory=dict)
    """The result of an operation that was not taken in, by each id that names what it would have created."""
    is_away: bool = False
    """True once a system did not answer: then no other operation is tried."""


async def take_in_operations(body: SyncBody, given: Given, *, opening: Opening) -> SyncAnswer:
    """Take in the operations in the order of their sequence numbers; the results are in the order of the request."""
    read = [read_operation(place, told) for place, told in enumerate(body.operations)]
    async with opening() as session:
        received_at = now(session)
        results = await _taken_in_before(session, read, given)
    turn = _Turn(given, opening, offset_of(body.sent_at, received_at=received_at))
    for one in in_turn(read):
        if one.place not in results:
            results[one.place] = await _next(turn, one)
            if results[one.place].outcome in (Outcome.REFUSED, Outcome.NOT_PROCESSED):
                turn.lacking |= dict.fromkeys(one.makes, results[one.place])
    return await _answer(turn, [results[one.place] for one in read], received_at)


async def _answer(turn: _Turn, results: list[OperationResult], received_at: datetime) -> SyncAnswer:
    owner, device_id = turn.given.owner, turn.given.device_id
    async with turn.opening() as session:

        async def standing() -> tuple[int, list[MissingSequences]]:
            last = await queries.last_sequence(session, owner, device_id)
            return last, await queries.missing_sequences(session, owner, device_id)

        last, missing = await own(session, standing)()
    return SyncAnswer(
        received_at=received_at,
        clock_offset_seconds=turn.offset.total_seconds(),
        last_sequence=last,
        missing=missing,
        results=results,
    )


async def _taken_in_before(session: AsyncSession, read: Sequence[Read], given: Given) -> dict[int, OperationResult]:
    """The results of operations that were taken in before, by their place in the request."""
    ids = [one.operation_id for one in read if one.op is not None and one.operation_id is not None]
    found = await own(session, lambda: queries.taken_in(session, given.owner, given.device_id, ids))()
    repeated = [(one, found[one.operation_id]) for one in read if one.op is not None and one.operation_id in found]
    people = {row.returnee_id for _, row in repeated if row.returnee_id is not None}
    shown = await queries.shown_people(session, people)
    return {one.place: replayed(one, row, shown, given) for one, row in repeated}


def replayed(
    one: Read, row: SyncOperation, shown: dict[UUID, tuple[str | None, bool]], given: Given
) -> OperationResult:
    """The result of an operation that was taken in before, as far as the caller may see the person now."""
    if row.fingerprint is not None and row.fingerprint != fingerprint(one, given):
        return refused(one, OperationIdReused())
    if row.returnee_id is None:
        return _result_of(one, row, None)
    if row.returnee_id not in shown:
        return refused(one, NotFound())
    case_code, is_erased = shown[row.returnee_id]
    return refused(one, ReturneeErased()) if is_erased else _result_of(one, row, case_code)


def _result_of(one: Read, row: SyncOperation, case_code: str | None, *, is_new: bool = False) -> OperationResult:
    outcome = Outcome(row.outcome)
    has_created = row.created_id is not None or row.client_person_id is not None
    return OperationResult(
        operation_id=row.operation_id,
        sequence=one.sequence,
        status=status_of(Kind(row.kind), outcome, has_created=has_created),
        outcome=outcome,
        replayed=not is_new,
        returnee_id=row.returnee_id,
        case_code=case_code,
        created_id=row.created_id,
        superseded=row.superseded,
        conflict_ids=row.conflict_ids,
    )


def refused(one: Read, refusal: Refusal, *, depends_on: UUID | None = None) -> OperationResult:
    """The result of an operation of which nothing was stored."""
    return OperationResult(
        operation_id=one.operation_id,
        sequence=one.sequence,
        status=refusal.status,
        outcome=Outcome.NOT_PROCESSED if refusal.status >= 500 else Outcome.REFUSED,
        depends_on=depends_on,
        delete_copy=isinstance(refusal, ReturneeErased),
        problem=Problem.model_validate(problem_document(refusal)),
    )


async def _next(turn: _Turn, one: Read) -> OperationResult:
    if one.refusal is not None:
        return refused(one, one.refusal)
    lacking = (turn.lacking[name] for name in one.needs if name in turn.lacking)
    before = min(lacking, key=lambda result: result.sequence or 0, default=None)  # the one with which it began
    if turn.is_away or (before is not None and before.outcome is Outcome.NOT_PROCESSED):
        return refused(one, NotProcessed())
    if before is not None:
        needed = before.operation_id
        return refused(one, DependsOnRefused(depends_on=str(needed)), depends_on=needed)
    return await _tried(turn, one)


async def _tried(turn: _Turn, one: Read) -> OperationResult:
    """Take in one operation, again if something was in the way for a moment only. What fails by itself is recorded, and
    the operations after it are taken in."""
    for attempt in range(_TRIES):
        last = attempt == _TRIES - 1
        try:
            return await _taken(turn, one)
        except Refusal as refusal:
            if isinstance(refusal, VersionMismatch) and not last:
                continue
            turn.is_away = turn.is_away or isinstance(refusal, Unavailable)
            return refused(one, refusal)
        except PoolTimeout:
            turn.is_away = True
            return refused(one, Unavailable())
        except _DATABASE as error:
            if (found := refusal_of(error)) is None:
                log.error("sync.operation_failed", error=error)
                return refused(one, OperationFailed())
            if last or not isinstance(found, Unavailable):
                turn.is_away = turn.is_away or isinstance(found, Unavailable)
                return refused(one, found)
        except Exception as error:  # a fault of ours in one operation must not hold up those after it
            log.error("sync.operation_failed", error=error)
            return refused(one, OperationFailed())
    raise AssertionError("the last try returns or raises")


async def _taken(turn: _Turn, one: Read) -> OperationResult:
    async with turn.opening() as session:
        row, case_code, is_new = await take_in(session, one, turn.given, offset=turn.offset)
        return _result_of(one, row, case_code, is_new=True) if is_new else await _again(session, one, row, turn)


async def _again(session: AsyncSession, one: Read, row: SyncOperation, turn: _Turn) -> OperationResult:
    """The result of an operation that another request of the device has taken in at this moment."""
    people = [] if row.returnee_id is None else [row.returnee_id]
    return replayed(one, row, await queries.shown_people(session, people), turn.given)
