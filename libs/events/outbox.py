"""Append events to the outbox: they are sent if, and only if, the transaction commits.

First lock or change the row that represents the key, then append. Then a later event of the key has a higher id and
never becomes visible earlier, so a relay that reads `ORDER BY id` keeps the order per key.
"""

from collections.abc import Sequence

from sqlalchemy import event as sqlalchemy_events
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.event import Event
from libs.events.messages.envelope import new_id
from libs.events.observing import tracing
from libs.events.postgres import raw
from libs.events.processes.crashpoints import CrashPoint, armed, crashpoint
from libs.waiting.wakeups import Wakeups

_INSERT = """
    INSERT INTO outbox (event_id, topic, key, type, payload, traceparent, tracestate)
    SELECT event_id, topic, key, type, payload, traceparent, tracestate
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::text[])
        WITH ORDINALITY AS e (event_id, topic, key, type, payload, traceparent, tracestate, ord)
    ORDER BY ord
"""
COMMITTED = Wakeups("libs.events.outbox")
"""Wakes the relays of this process when a transaction with new rows has committed."""
_BUFFER = "libs.events.outbox"

Row = tuple[str, str, str, str, bytes, str | None, str | None]


async def append(
    session: AsyncSession,
    events: Sequence[Event],
    *,
    traceparents: Sequence[str | None] | None = None,
    tracestates: Sequence[str | None] | None = None,
) -> None:
    """Append events in their order, in one statement.

    `traceparents` has one entry per event: the trace of its journey. The default is the trace of the current span.
    `tracestates` are optional. If the trace of an event is sampled, its creation gets a span below it
    (`tracing.creating`), and the event carries the context of this span. In a consumer's batch, the rows of all
    handlers are collected and written together before the commit.
    """
    if not events:
        return
    rows = _rows(events, traceparents, tracestates)
    gathered: list[Row] | None = session.info.get(_BUFFER)
    if gathered is not None:
        gathered.extend(rows)
        return
    await write(session, rows)
    crashpoint(CrashPoint.OUTBOX_BEFORE_COMMIT)
    if COMMITTED.wanted or armed(CrashPoint.OUTBOX_AFTER_COMMIT):
        sqlalchemy_events.listen(session.sync_session, "after_commit", _committed, once=True)


def gather(session: AsyncSession) -> list[Row]:
    """Make `append` collect the rows of this session in the returned list. The caller writes them later."""
    rows: list[Row] = []
    session.info[_BUFFER] = rows
    return rows


async def write(session: AsyncSession, rows: Sequence[Row]) -> None:
    """Write rows in their order, in one statement."""
    if rows:
        await (await raw(session)).execute(_INSERT, *map(list, zip(*rows, strict=True)))


def _rows(
    events: Sequence[Event], traceparents: Sequence[str | None] | None, tracestates: Sequence[str | None] | None
) -> list[Row]:
    if traceparents is None:
        traceparent, tracestate = tracing.current()
        traceparents, tracestates = [traceparent] * len(events), [tracestate] * len(events)
    elif tracestates is None:
        tracestates = [None] * len(events)
    if not len(events) == len(traceparents) == len(tracestates):
        raise ValueError("one traceparent per event, and one tracestate if any")
    return [_row(*one) for one in zip(events, traceparents, tracestates, strict=True)]


def _row(event: Event, traceparent: str | None, tracestate: str | None) -> Row:
    id_, topic, type_ = new_id(), event.topic, event.type
    if tracing.sampled(traceparent):
        traceparent, tracestate = tracing.creating(traceparent, tracestate, topic=topic, event_id=id_, event_type=type_)
    return id_, topic, event.key, type_, event.__pydantic_serializer__.to_json(event), traceparent, tracestate


def _committed(_: object) -> None:
    crashpoint(CrashPoint.OUTBOX_AFTER_COMMIT)
    COMMITTED.wake()
