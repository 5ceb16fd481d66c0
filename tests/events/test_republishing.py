"""Events that Kafka has lost are published again from the archive: each has its effects once, in order per key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from libs.events.audit import Hand, RefusedError
from libs.events.consumer import Consumer
from libs.events.consuming import membership
from libs.events.operating import republishing
from libs.events.operating.holding import held, hold, release
from libs.events.operating.logs import reading
from libs.events.operating.positions import Target, reset
from libs.events.operating.republishing import Selection, count, republish
from libs.events.postgres import Connection
from libs.events.relay import Relay
from tests.events.bus import Bus, running, until
from tests.events.test_fail_stop import recreate, remove_before

Make = Callable[..., Awaitable[Bus]]
ANA = Hand("ana", "the topic was lost")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
KEYS = 6


@asynccontextmanager
async def connected(bus: Bus) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(bus.dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def append(bus: Bus, *numbers: int) -> None:
    """One event of every key for each number."""
    for number in numbers:
        await bus.append(*(bus.counted(name=f"k{key}", number=number) for key in range(KEYS)))


def drained(bus: Bus) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return not await bus.fetch("SELECT 1 FROM outbox LIMIT 1")

    return condition


def handled(bus: Bus, count_: int) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return len(await bus.effects()) >= count_

    return condition


def by_key(effects: list[tuple[str, str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for key, _, number in effects:
        found.setdefault(key, []).append(number)
    return found


def in_order(*numbers: int) -> dict[str, list[int]]:
    return {f"k{key}": list(numbers) for key in range(KEYS)}


async def move_to_end(bus: Bus, connection: Connection, **options: Any) -> None:
    async with reading(bus.bootstrap) as logs:
        await reset(
            connection, logs, group=bus.group, topic=bus.topic.name, partition=None, target=Target.END, by=ANA,
            may_skip=True, **options,
        )  # fmt: skip


async def test_k1_a_lost_topic_is_mended_by_hold_reset_and_republish(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """K1, K2. With new ids instead of the old ones, what waits in the outbox is handled before what was lost; with a
    hold that a relay doesn't heed, so is what it publishes between the reset and the republishing."""
    monkeypatch.setattr(membership, "MEASURE_SECONDS", 0.5)
    relay, consumer = bus.relay(), bus.consumer()
    async with running(relay, consumer), connected(bus) as connection:
        await append(bus, 0, 1, 2)
        await until(handled(bus, 3 * KEYS))
        # Everything of number 3 is acknowledged, and lost with the topic before anybody has handled it.
        await _lose_what_is_not_handled(bus, consumer)
        await append(bus, 4)
        await until(drained(bus))
        await until(_stopped(consumer))
        await hold(connection, ANA)
        await append(bus, 5)
        await until(_says_held(relay))
        assert len(await bus.fetch("SELECT 1 FROM outbox")) == KEYS
        await move_to_end(bus, connection)
        assert await republish(connection, Selection(LONG_AGO), ANA) == 5 * KEYS
        await release(connection, ANA)
        await until(handled(bus, 6 * KEYS))
        await append(bus, 6)
        await until(handled(bus, 7 * KEYS))
        await until(drained(bus))
        assert consumer.why_unready() is None
    assert by_key(await bus.effects()) == in_order(0, 1, 2, 3, 4, 5, 6)
    actions = await bus.fetch("SELECT action, operator FROM operator_action ORDER BY id")
    assert [row["action"] for row in actions if row["action"] != "position.reset"] == [
        "relay.hold",
        "republish",
        "relay.release",
    ]
    assert {row["operator"] for row in actions} == {"ana"}


async def _lose_what_is_not_handled(bus: Bus, consumer: Consumer) -> None:
    """The worker is held up in its database while number 3 is published; then the topic is made anew."""
    blocker = await asyncpg.connect(bus.dsn)
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("LOCK TABLE consumer_position IN EXCLUSIVE MODE")
    await append(bus, 3)
    await until(drained(bus))
    await recreate(bus)
    # Its batch of number 3 goes on with the lock; the handlers must not have seen it.
    await blocker.execute("UPDATE consumer_position SET next_offset = next_offset + 1000")
    await transaction.commit()
    await blocker.close()


def _stopped(consumer: Consumer) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return "is stopped" in str(consumer.why_unready())

    return condition


def _says_held(*relays: Relay) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return all("held by hand" in str(relay.why_unready()) for relay in relays)

    return condition


async def test_what_consumers_had_is_dropped_and_the_ids_are_the_old_ones(bus: Bus) -> None:
    async with running(bus.relay(), bus.consumer()), connected(bus) as connection:
        await append(bus, 0, 1)
        await until(handled(bus, 2 * KEYS))
        await until(drained(bus))
        first = await bus.fetch("SELECT id, event_id, created_at FROM outbox_sent ORDER BY id")
        assert await republish(connection, Selection(LONG_AGO), ANA) == 2 * KEYS
        await append(bus, 2)
        await until(handled(bus, 3 * KEYS))
        await until(drained(bus))
    again = await bus.fetch("SELECT DISTINCT id, event_id, created_at FROM outbox_sent ORDER BY id")
    assert [tuple(row) for row in again[: len(first)]] == [tuple(row) for row in first]
    assert len(await bus.records()) == 5 * KEYS
    assert by_key(await bus.effects()) == in_order(0, 1, 2)


async def test_an_interrupted_republishing_leaves_the_relay_held_and_is_resumed(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the hold kept, a newer event of a key leaves before the older ones that are still to be put back."""
    async with running(bus.relay()), connected(bus) as connection:
        await append(bus, *range(40))
        await until(drained(bus))
        whole = republishing._step
        steps = 0

        async def breaks(*arguments: Any) -> int:
            nonlocal steps
            steps += 1
            if steps == 2:
                raise ConnectionResetError
            return await whole(*arguments)

        monkeypatch.setattr(republishing, "_step", breaks)
        with pytest.raises(ConnectionResetError):
            await republish(connection, Selection(LONG_AGO), ANA, step_pages=1)
        monkeypatch.setattr(republishing, "_step", whole)
        put_back = len(await bus.fetch("SELECT 1 FROM outbox"))
        assert 0 < put_back < 40 * KEYS
        assert await held(connection) is not None
        await append(bus, 40)
        assert await republish(connection, Selection(LONG_AGO), ANA, step_pages=1) == 40 * KEYS - put_back
        await until(drained(bus))
    numbers: dict[bytes, list[int]] = {}
    for record in await bus.records():
        numbers.setdefault(record.key, []).append(bus.counted.model_validate_json(record.value).number)
    assert all(found == [*range(40), *range(41)] for found in numbers.values())
    notes = await bus.fetch(
        "SELECT subject::jsonb->>'events' AS events FROM operator_action WHERE action = 'republish'"
    )
    assert sum(int(note["events"]) for note in notes) == 40 * KEYS


async def test_a_selection_is_by_time_topic_and_key_and_can_be_counted_first(bus: Bus) -> None:
    async with running(bus.relay()):
        await append(bus, 0, 1)
        await until(drained(bus))
    async with connected(bus) as connection:
        (chosen,) = await count(connection, Selection(LONG_AGO))
        assert (chosen.topic, chosen.events, chosen.keys, chosen.too_old) == (bus.topic.name, 2 * KEYS, KEYS, 0)
        assert await count(connection, Selection(LONG_AGO, topic="another")) == []
        assert await count(connection, Selection(datetime.now(UTC) + timedelta(hours=1))) == []
        assert await republish(connection, Selection(LONG_AGO, key="k3"), ANA) == 2
        assert {row["key"] for row in await bus.fetch("SELECT key FROM outbox")} == {"k3"}
        assert await republish(connection, Selection(LONG_AGO, key="k3"), ANA) == 0


async def test_what_inboxes_have_forgotten_is_not_published_again(bus: Bus) -> None:
    """Without that bound a consumer that had the event, and whose inbox is pruned, handles it a second time."""
    async with running(bus.relay()):
        await append(bus, 0)
        await until(drained(bus))
    await bus.fetch("UPDATE outbox_sent SET created_at = now() - interval '27 days 1 hour' WHERE key = 'k0'")
    async with connected(bus) as connection:
        (chosen,) = await count(connection, Selection(LONG_AGO))
        assert (chosen.events, chosen.too_old) == (KEYS - 1, 1)
        assert await republish(connection, Selection(LONG_AGO), ANA) == KEYS - 1


async def test_a_held_relay_publishes_nothing_says_so_and_goes_on_when_released(bus: Bus) -> None:
    """Without `WHERE held_since IS NULL` in the beginning of a leadership, a second relay takes over at once."""
    first, second = bus.relay(), bus.relay()
    async with connected(bus) as connection, running(first, second):
        await append(bus, 0)
        await until(drained(bus))
        await hold(connection, ANA)
        with pytest.raises(RefusedError, match="already held"):
            await hold(connection, ANA)
        await append(bus, 1)
        await until(_says_held(first, second))
        assert len(await bus.fetch("SELECT 1 FROM outbox")) == KEYS
        await release(connection, ANA)
        await until(drained(bus))
        with pytest.raises(RefusedError, match="is not held"):
            await release(connection, ANA)


async def test_a_relay_that_does_not_let_go_is_not_held(bus: Bus) -> None:
    async with connected(bus) as connection, connected(bus) as leader:
        await leader.execute("SELECT pg_advisory_lock($1, $2)", 0x656E6C61, 1)
        with pytest.raises(RefusedError, match="a relay is still the leader"):
            await hold(connection, ANA, seconds=0.3)
        assert (await bus.fetch("SELECT held_since FROM outbox_leader"))[0]["held_since"] is None


async def test_two_do_not_publish_again_at_the_same_time(bus: Bus) -> None:
    async with connected(bus) as connection, connected(bus) as other:
        await other.execute("SELECT pg_advisory_lock($1, $2)", *republishing._LOCK)
        with pytest.raises(RefusedError, match="another process"):
            await republish(connection, Selection(LONG_AGO), ANA)


async def test_an_old_state_is_not_made_the_last_one_of_a_compacted_topic(make_bus: Make) -> None:
    """Without the refusal compaction keeps the old state and drops the newer one."""
    bus = await make_bus(compacted=True)
    async with running(bus.relay()):
        await append(bus, 0)
        await until(drained(bus))
    soon = datetime.now(UTC) + timedelta(hours=1)
    topics = {bus.topic.name: bus.topic}
    async with connected(bus) as connection:
        with pytest.raises(RefusedError, match="is compacted"):
            await republish(connection, Selection(LONG_AGO, soon), ANA, topics=topics)
        assert await bus.fetch("SELECT 1 FROM outbox") == []
        assert await republish(connection, Selection(LONG_AGO), ANA, topics=topics) == KEYS


async def test_c8_records_that_expired_before_they_were_handled_are_published_again(
    make_bus: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C8. With the reset alone, events 2 to 4 are never handled; with the republishing alone the partition stays
    stopped."""
    monkeypatch.setattr(membership, "MEASURE_SECONDS", 0.5)
    bus = await make_bus(partitions=1)
    relay = bus.relay()
    async with running(relay), connected(bus) as connection:
        async with running(bus.consumer()):
            await append(bus, 0, 1)
            await until(handled(bus, 2 * KEYS))
        await append(bus, 2, 3, 4)
        await until(drained(bus))
        await remove_before(bus, 4 * KEYS)
        consumer = bus.consumer()
        async with running(consumer):
            await until(_stopped(consumer))
            await hold(connection, ANA)
            await move_to_end(bus, connection)
            assert await republish(connection, Selection(LONG_AGO), ANA) == 5 * KEYS
            await release(connection, ANA)
            await append(bus, 5)
            await until(handled(bus, 6 * KEYS))
    assert by_key(await bus.effects()) == in_order(0, 1, 2, 3, 4, 5)
