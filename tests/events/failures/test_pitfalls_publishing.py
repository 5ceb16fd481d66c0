"""Pitfalls 5 to 7 of the publishing side; the interleavings of single transactions are in `test_outbox.py`."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from aiokafka.errors import OutOfOrderSequenceNumber

from libs.events import kafka, outbox, relay
from libs.events.postgres import raw
from tests.events.bus import Bus, database_for, running, until
from tests.events.failures.observing import drained, numbers, position, sequences

KEYS = 8
CHANGES = 25


async def test_pitfall_05_a_poisoned_producer_and_one_that_hangs_are_both_replaced(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first client raises OutOfOrderSequenceNumber, the second one never answers.

    Without the producer being discarded both times the relay stays with it; without the limit it waits for ever.
    """
    monkeypatch.setattr(relay, "SEND_TIMEOUT_SECONDS", 1.0)
    make, made = kafka.producer, 0

    def fragile(*arguments: Any, **options: Any) -> Any:
        nonlocal made
        made += 1
        client: Any = make(*arguments, **options)
        number = made

        async def broken(*_: Any, **__: Any) -> asyncio.Future[Any]:
            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            if number == 1:
                future.set_exception(OutOfOrderSequenceNumber())
            return future

        if number <= 2:
            client.send_batch = broken
        return client

    monkeypatch.setattr(kafka, "producer", fragile)
    await bus.append(*(bus.counted(name="a", number=number) for number in range(10)))
    async with running(bus.relay(), bus.consumer()):
        await until(drained(bus))
        await until(position(bus, 10))
    assert made == 3
    assert await numbers(bus) == {"a": list(range(10))}


async def change(bus: Bus, database: Any, key: str, pause: Callable[[], float]) -> None:
    """What an action does: the row of the key first, the event after it, the commit whenever it comes."""
    async with database.transaction() as session:
        connection = await raw(session)
        await asyncio.sleep(pause())
        number = await connection.fetchval(
            "UPDATE journey SET changes = changes + 1 WHERE name = $1 RETURNING changes - 1", key
        )
        await outbox.append(session, [bus.counted(name=key, number=number)])
        await asyncio.sleep(pause())


async def changed_at_random(bus: Bus, seed: int) -> None:
    """Many transactions at once, each with a transaction id from before it got its row, committing in any order."""
    randomly = random.Random(seed)
    database = database_for(bus.dsn, pool_size=12)
    try:
        async with database.transaction() as session:
            await (await raw(session)).execute("CREATE TABLE journey (name text PRIMARY KEY, changes int DEFAULT 0)")
            await (await raw(session)).execute(
                "INSERT INTO journey SELECT 'k' || n FROM generate_series(0, $1 - 1) AS n", KEYS
            )
        keys = [f"k{key}" for key in range(KEYS) for _ in range(CHANGES)]
        randomly.shuffle(keys)
        waiting = iter(keys)

        async def act() -> None:
            for key in waiting:
                await change(bus, database, key, lambda: randomly.uniform(0, 0.05))

        await asyncio.gather(*(act() for _ in range(12)))
    finally:
        await database.close()


async def test_pitfall_06_whatever_the_order_of_commits_nothing_is_left_behind(bus: Bus) -> None:
    """With a cursor in `Relay._read` (`id > ` the last one read) the rows that became visible behind it stay."""
    async with running(bus.relay()):
        await changed_at_random(bus, seed=6)
        await until(drained(bus))
    assert await sequences(bus) == {f"k{key}": list(range(CHANGES)) for key in range(KEYS)}


async def test_pitfall_07_each_key_is_in_order_though_relays_take_over_from_each_other(bus: Bus) -> None:
    """Two relays, one of which stands by; then the leader's session is ended again and again while it publishes.

    With the advisory lock taken out of `lead` both lead at once, which the epoch tells. The first time that each event
    is in the log stays in order even then, as every relay begins with the oldest row that isn't retired: that fails
    with `ORDER BY id DESC` in `_READ`.
    """

    async def end_leaders() -> None:
        connection = await asyncpg.connect(bus.dsn)
        try:
            while True:
                await asyncio.sleep(0.15)
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                )
        finally:
            await connection.close()

    async def taken_over_twice() -> bool:
        return bool((await bus.fetch("SELECT epoch FROM outbox_leader"))[0]["epoch"] > 2)

    relays = bus.relay(), bus.relay()

    async def both_are_ready() -> bool:
        return all(one.why_unready() is None for one in relays)

    async with running(*relays):
        await until(both_are_ready)
        await bus.append(bus.counted(name="alone", number=0))
        await until(drained(bus))
        assert (await bus.fetch("SELECT epoch FROM outbox_leader"))[0]["epoch"] == 1
        ending = asyncio.create_task(end_leaders())
        await changed_at_random(bus, seed=7)
        await until(taken_over_twice)
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)
        await until(drained(bus))
    assert await sequences(bus) == {"alone": [0]} | {f"k{key}": list(range(CHANGES)) for key in range(KEYS)}
