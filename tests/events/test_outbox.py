"""The outbox: what is appended, in which order, and when it may be read."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.events import outbox
from libs.events.observing.tracing import traceparent_of
from libs.events.postgres import raw
from tests.events.bus import Bus, running, until


class Thing(SQLModel, table=True):
    """A row that stands for a key."""

    name: str = Field(primary_key=True)


async def numbers(bus: Bus) -> list[int]:
    rows = await bus.fetch("SELECT payload FROM outbox ORDER BY id")
    return [bus.counted.model_validate_json(row["payload"]).number for row in rows]


async def test_events_keep_the_order_in_which_they_were_appended(bus: Bus) -> None:
    await bus.append(*(bus.counted(name="a", number=number) for number in range(500)))
    assert await numbers(bus) == list(range(500))


async def test_a_rollback_takes_the_events_with_it(bus: Bus) -> None:
    async def append_and_fail() -> None:
        async with bus.database.transaction() as session:
            await outbox.append(session, [bus.counted(name="a", number=1)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await append_and_fail()
    assert await numbers(bus) == []


async def test_a_session_that_has_sent_nothing_yet_appends_inside_its_transaction(bus: Bus) -> None:
    """Without the statement that makes SQLAlchemy send BEGIN the row commits by itself and survives the rollback."""
    async with AsyncSession(bus.database.engine) as session:
        await outbox.append(session, [bus.counted(name="a", number=1)])
        await session.rollback()
    assert await numbers(bus) == []


async def test_pending_changes_are_written_before_the_event_gets_its_id(bus: Bus) -> None:
    """Without the flush in `postgres.raw` the row is not there yet when the event is appended."""
    async with bus.database.transaction() as session:
        await (await raw(session)).execute("CREATE TABLE thing (name text PRIMARY KEY)")
        session.add(Thing(name="a"))
        connection = await raw(session)
        assert await connection.fetchval("SELECT count(*) FROM thing") == 1


async def test_pitfall_07_a_later_change_of_a_key_comes_later_though_its_transaction_began_first(bus: Bus) -> None:
    """Two transactions meet at the row of their key. An order by transaction id would give [2, 1]."""
    await bus.append()
    database = Database(bus.dsn, clock=Clock(), application_name="test-events")
    async with bus.database.transaction() as session:
        await (await raw(session)).execute("CREATE TABLE journey (name text PRIMARY KEY)")
        await (await raw(session)).execute("INSERT INTO journey VALUES ('a')")
    async with bus.database.transaction() as early:
        # It has its transaction id before it waits for the row.
        await (await raw(early)).execute("INSERT INTO effect (key) VALUES ('takes a transaction id')")
        async with database.transaction() as late:
            await (await raw(late)).execute("SELECT FROM journey WHERE name = 'a' FOR UPDATE")
            await outbox.append(late, [bus.counted(name="a", number=1)])
        await (await raw(early)).execute("SELECT FROM journey WHERE name = 'a' FOR UPDATE")
        await outbox.append(early, [bus.counted(name="a", number=2)])
    await database.close()
    assert await numbers(bus) == [1, 2]


async def test_pitfall_06_a_transaction_that_commits_late_with_lower_ids_loses_nothing(bus: Bus) -> None:
    """A relay that remembered the highest id it has seen would never read the late rows."""
    async with running(bus.relay()):
        async with bus.database.transaction() as late:
            await outbox.append(late, [bus.counted(name="late", number=1)])
            await bus.append(bus.counted(name="early", number=2))

            async def early_is_out() -> bool:
                return len(await bus.fetch("SELECT 1 FROM outbox_sent")) == 1

            await until(early_is_out)

        async def both_are_out() -> bool:
            return len(await bus.fetch("SELECT 1 FROM outbox_sent")) == 2

        await until(both_are_out)
    assert {record.key for record in await bus.records()} == {b"late", b"early"}


async def test_the_trace_of_the_current_span_is_stored_with_the_event(bus: Bus) -> None:
    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("intake") as span:
        await bus.append(bus.counted(name="a", number=1))
    await bus.append(bus.counted(name="a", number=2))
    rows: list[Any] = await bus.fetch("SELECT traceparent FROM outbox ORDER BY id")
    context = span.get_span_context()
    assert traceparent_of(context)[:52] == f"00-{context.trace_id:032x}-{context.span_id:016x}"
    # Where another test has set an SDK up for the whole process, the creation has a span of its own below it.
    assert rows[0]["traceparent"][3:35] == traceparent_of(context)[3:35]
    assert rows[1]["traceparent"] is None


async def test_a_traceparent_for_every_event_or_none(bus: Bus) -> None:
    with pytest.raises(ValueError, match="one traceparent per event"):
        await bus.append(bus.counted(name="a", number=1), traceparents=["one", "two"])
