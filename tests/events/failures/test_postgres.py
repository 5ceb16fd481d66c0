"""Rows C7 and P1, and pitfall 8: PostgreSQL is stopped, crashes, is slow, or is held up by an open transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from libs.events import kafka
from libs.events.consuming import membership
from libs.events.postgres import raw
from tests.events.bus import Bus, database_for, running, until
from tests.events.failures.observing import bus_on, drained, effects, lasting, loaded, loading, numbers, send
from tests.events.failures.servers import BreakablePostgres

Make = Callable[..., Awaitable[Bus]]
CRASHES = int(lasting(2, long=9))
OPEN_SECONDS = lasting(4, long=60)
WAIT_SECONDS = 120 + 2 * OPEN_SECONDS
LOAD_PER_SECOND = 1_000


@pytest.fixture
async def fragile(breakable_postgres: BreakablePostgres, kafka_bootstrap: str) -> AsyncIterator[Bus]:
    """A bus whose PostgreSQL may be crashed."""
    async with bus_on(await breakable_postgres.new_database(), kafka_bootstrap) as made:
        yield made


async def test_c7_while_postgresql_is_away_the_batch_waits_and_nothing_is_parked(
    fragile: Bus, breakable_postgres: BreakablePostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Away for longer than the group's session lasts: the member goes on polling and keeps its partitions.

    Taken for the events' fault, the outage stops the partition; with the records given back, they would be skipped.
    """
    monkeypatch.setattr(kafka, "SESSION_TIMEOUT_MS", 2_000)
    consumer = fragile.consumer()
    async with running(consumer):
        await send(fragile, *range(5))
        await until(effects(fragile, 5))
        member = consumer._membership
        await asyncio.to_thread(breakable_postgres.crash)
        await send(fragile, *range(5, 10))

        async def says_so() -> bool:
            return "database" in str(consumer.why_unready())

        await until(says_so)
        await asyncio.sleep(3)
        await breakable_postgres.start()
        await until(effects(fragile, 10))
        assert consumer._membership is member
        assert consumer.why_unready() is None
    assert await numbers(fragile) == {"a": list(range(10))}
    assert await fragile.fetch("SELECT 1 FROM parked") == []


async def test_p1_crashes_of_postgresql_lose_nothing_and_double_nothing(
    fragile: Bus, breakable_postgres: BreakablePostgres
) -> None:
    """Immediate stops under load. Without the inbox the batches that were sent and not yet retired have their effects
    twice."""
    async with running(fragile.relay(), fragile.consumer()):
        async with loading(fragile) as load:
            for _ in range(CRASHES):
                reached = len(await fragile.effects())
                await until(effects(fragile, reached + 200))
                await asyncio.to_thread(breakable_postgres.crash)
                await breakable_postgres.start()
            await until(effects(fragile, len(await fragile.effects()) + 100))
        await until(drained(fragile))
        await until(effects(fragile, load.count))
    assert load.failures > 0
    await load.check()


@pytest.mark.timeout(600 + 2 * WAIT_SECONDS)
async def test_pitfall_08_a_transaction_that_stays_open_does_not_hold_up_the_outbox(bus: Bus) -> None:
    """One transaction has its id and its snapshot from before; a load of events goes by it.

    A relay that reads only below the oldest open transaction (`xid < pg_snapshot_xmin`) publishes nothing meanwhile.
    """
    holder = await asyncpg.connect(bus.dsn)
    transaction = holder.transaction(isolation="repeatable_read")
    await transaction.start()
    await holder.execute("INSERT INTO effect (key) VALUES ('takes a transaction id')")
    async with running(bus.relay()):
        async with loading(bus, keys=LOAD_PER_SECOND // 20, pause_seconds=0.045) as load:
            await until(loaded(load, 300 * OPEN_SECONDS), seconds=WAIT_SECONDS)
        await until(drained(bus), seconds=WAIT_SECONDS)
    await transaction.rollback()
    await holder.execute("VACUUM outbox")
    (size,) = await bus.fetch("SELECT pg_relation_size('outbox') AS bytes, count(*) AS left FROM outbox")
    assert size["left"] == 0
    assert size["bytes"] < 1_000_000
    await holder.close()


async def test_pitfall_08_an_idle_transaction_is_ended_by_the_server(bus: Bus) -> None:
    """A worker that hangs in its transaction holds its positions' rows. Without the setting in `Database` for ever."""
    async with bus.database.transaction() as session:
        limit = await (await raw(session)).fetchval("SHOW idle_in_transaction_session_timeout")
    assert limit == "20s"


async def test_c7_a_slow_postgresql_bounds_what_is_fetched_and_the_member_stays(
    make_bus: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Back-pressure: a lock holds the handlers up for longer than a session lasts, with a long log to fetch.

    Without `pause` in `Membership._take_in` everything is fetched into memory.
    """
    bus = await make_bus(partitions=2)
    monkeypatch.setattr(kafka, "SESSION_TIMEOUT_MS", 2_000)
    monkeypatch.setattr(membership, "PAUSE_AT_RECORDS", 500)
    monkeypatch.setattr(membership, "RESUME_BELOW_RECORDS", 100)
    monkeypatch.setattr(membership, "FETCH_RECORDS", 500)
    await bus.append(*(bus.counted(name=f"k{number % 50}", number=number // 50) for number in range(6_000)))
    async with running(bus.relay()):
        await until(drained(bus))
    second = database_for(bus.dsn)
    consumer = bus.consumer()
    fetched: list[int] = []
    async with running(consumer):
        async with second.transaction() as session:
            await (await raw(session)).execute("LOCK TABLE effect IN ACCESS EXCLUSIVE MODE")

            async def full() -> bool:
                return consumer._membership is not None and all_of(consumer._membership) >= 1_000

            await until(full)
            member: Any = consumer._membership
            for _ in range(25):
                await asyncio.sleep(0.1)
                fetched.append(all_of(member))
        await until(effects(bus, 6_000))
        assert consumer._membership is member
    await second.close()
    # What is in the buffers and in hand: at most the limit and one fetch of each partition.
    assert max(fetched) <= 2 * 2 * (500 + 500)
    assert await numbers(bus) == {f"k{key}": list(range(120)) for key in range(50)}


def all_of(member: membership.Membership) -> int:
    """Records in memory that aren't settled."""
    return sum(len(one.buffer) + one.in_hand for one in member.partitions.values())
