"""Acknowledged rows that are still in the outbox: never read again, and moved to the archive in time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from aiokafka.errors import OutOfOrderSequenceNumber

from libs.events import kafka, outbox, relay
from libs.events.audit import Hand
from libs.events.observing import metrics
from libs.events.operating.holding import hold, release
from libs.events.operating.republishing import Selection, republish
from libs.events.relaying import leadership, publishing, reading, retiring
from libs.events.relaying.leadership import Leadership
from libs.events.relaying.publishing import Outcome
from libs.events.relaying.retiring import Unretired
from tests.events.bus import Bus, running, until
from tests.events.failures.observing import drained, logged, sequences

ANA = Hand("ana", "a test")
NEVER = 600.0


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The relay measures the outbox once, at the beginning: before it measures, it retires."""
    monkeypatch.setattr(relay, "MEASURE_SECONDS", NEVER)


@pytest.fixture
def lazy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is retired because of its age."""
    monkeypatch.setattr(retiring, "RETIRE_SECONDS", NEVER)


async def waiting(bus: Bus) -> list[int]:
    """The ids in the outbox."""
    return [row["id"] for row in await bus.fetch("SELECT id FROM outbox ORDER BY id")]


@asynccontextmanager
async def connected(bus: Bus) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(bus.dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def append(bus: Bus, *numbers: int) -> None:
    """One event of each of three keys for each number, each time in a transaction of its own."""
    for number in numbers:
        await bus.append(*(bus.counted(name=f"k{key}", number=number) for key in range(3)))


async def test_acknowledged_rows_are_not_sent_again_and_are_retired_at_a_stop(bus: Bus, lazy: None) -> None:
    """If `read` is given no unretired rows, each is sent in every round. Without the last line of `_lead` all stay."""
    async with running(bus.relay()):
        for number in range(5):
            await append(bus, number)
            await until(logged(bus, 3 * (number + 1)))
        assert len(await waiting(bus)) == 15
    assert await waiting(bus) == []
    records = await bus.records()
    assert len(records) == 15
    archived = await bus.fetch("SELECT key, partition, log_offset FROM outbox_sent")
    assert {(row["key"].encode(), row["partition"], row["log_offset"]) for row in archived} == {
        (record.key, record.partition, record.offset) for record in records
    }


async def test_pitfall_06_late_commits_are_sent_though_higher_ids_wait_to_be_retired(bus: Bus, lazy: None) -> None:
    """One transaction has ids below all that were sent, another one ids between them. With the last gap alone, which
    is a cursor, neither is ever sent."""
    async with running(bus.relay()), bus.database.transaction() as lowest:
        await outbox.append(lowest, [bus.counted(name="lowest", number=0)])
        await append(bus, 0)
        async with bus.database.transaction() as between:
            await outbox.append(between, [bus.counted(name="between", number=0)])
            await append(bus, 1)
            await until(logged(bus, 6))
        await until(logged(bus, 7))
        await lowest.commit()
        await until(logged(bus, 8))
        assert len(await waiting(bus)) == 8
    assert await sequences(bus) == {"lowest": [0], "between": [0]} | {f"k{key}": [0, 1] for key in range(3)}


async def test_rows_are_retired_when_they_are_many(bus: Bus, lazy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `are_many` in `_round` the outbox grows without a limit."""
    monkeypatch.setattr(retiring, "RETIRE_ROWS", 6)
    async with running(bus.relay()):
        for number in range(5):
            await append(bus, number)
            await until(logged(bus, 3 * (number + 1)))

        async def the_last_are_left() -> bool:
            return len(await waiting(bus)) == 3

        await until(the_last_are_left)


async def test_an_idle_relay_retires_what_it_has_sent(bus: Bus) -> None:
    """Without `retire_if_due` after an empty read the rows would wait for the next event."""
    async with running(bus.relay()):
        await append(bus, 0)
        await until(drained(bus))


async def test_the_archive_has_the_time_of_the_acknowledgement(bus: Bus, lazy: None) -> None:
    """Without `published_at` in the statement it is the time of the move."""
    async with running(bus.relay()):
        await append(bus, 0)
        await until(logged(bus, 3))
        await append(bus, 1)
        await until(logged(bus, 6))
        (row,) = await bus.fetch("SELECT clock_timestamp() AS before_the_move")
    first = await bus.fetch("SELECT created_at, published_at FROM outbox_sent ORDER BY id LIMIT 3")
    assert len(first) == 3
    assert all(one["created_at"] < one["published_at"] < row["before_the_move"] for one in first)


async def test_rows_are_retired_while_kafka_does_not_answer(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the `chore` of `while_held` they stay in the outbox as long as the next send takes."""
    monkeypatch.setattr(retiring, "RETIRE_SECONDS", 1.0)
    publish, answer = publishing.Publisher.publish, asyncio.Event()
    rounds = 0

    async def slow(self: publishing.Publisher, *arguments: Any, **options: Any) -> Outcome:
        nonlocal rounds
        rounds += 1
        if rounds == 2:
            await answer.wait()
        return await publish(self, *arguments, **options)

    monkeypatch.setattr(publishing.Publisher, "publish", slow)
    async with running(bus.relay()):
        await append(bus, 0)
        await until(logged(bus, 3))
        await append(bus, 1)

        async def only_the_second_round_is_left() -> bool:
            return len(await waiting(bus)) == 3

        await until(only_the_second_round_is_left)
        assert rounds == 2
        answer.set()
        await until(drained(bus))
    assert len(await bus.records()) == 6


async def test_acknowledged_rows_do_not_count_as_waiting(bus: Bus, lazy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the retirement in `_measure` three events are told to wait, and their age grows."""
    told: list[tuple[str, float]] = []
    monkeypatch.setattr(metrics.outbox_pending, "set", lambda value: told.append(("pending", value)))
    monkeypatch.setattr(metrics.outbox_oldest_age, "set", lambda value: told.append(("age", value)))
    async with running(bus.relay()):
        await append(bus, 0)
        await until(logged(bus, 3))
        assert len(await waiting(bus)) == 3
        told.clear()
        monkeypatch.setattr(relay, "MEASURE_SECONDS", 0.0)

        async def measured() -> bool:
            return len(told) >= 2

        await until(measured)
    assert told[:2] == [("pending", 0), ("age", 0)]


async def test_a_held_relay_has_retired_everything_and_the_ids_may_come_again(bus: Bus, lazy: None) -> None:
    """Without the retirement at the end of `_lead` the rows are still there; if the relay remembered the ids beyond
    its leadership, what is published again would never be sent."""
    async with running(bus.relay()), connected(bus) as connection:
        await append(bus, 0, 1)
        await until(logged(bus, 6))
        await hold(connection, ANA)
        assert await waiting(bus) == []
        assert await republish(connection, Selection(datetime(2000, 1, 1, tzinfo=UTC)), ANA) == 6
        await release(connection, ANA)
        await until(logged(bus, 12))
    assert await waiting(bus) == []


async def test_what_was_acknowledged_before_an_error_is_not_sent_again(
    bus: Bus, lazy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third batch fails. Without the retirement before the error is raised the first two are sent again."""
    make, sent = kafka.producer, 0

    def fragile(*arguments: Any, **options: Any) -> Any:
        client: Any = make(*arguments, **options)
        send_batch = client.send_batch

        async def broken(*inner: Any, **also: Any) -> asyncio.Future[Any]:
            nonlocal sent
            sent += 1
            if sent != 3:
                found: asyncio.Future[Any] = await send_batch(*inner, **also)
                return found
            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            future.set_exception(OutOfOrderSequenceNumber())
            return future

        client.send_batch = broken
        return client

    monkeypatch.setattr(kafka, "producer", fragile)
    async with running(bus.relay()):
        for number in range(4):
            await bus.append(bus.counted(name="a", number=number))
            await until(logged(bus, number + 1))
    assert [bus.counted.model_validate_json(record.value).number for record in await bus.records()] == [0, 1, 2, 3]


async def test_r4_a_relay_that_finds_another_leader_when_it_retires_sends_nothing_more(
    bus: Bus, lazy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the error in `retire` it would send the next events under its old epoch."""
    monkeypatch.setattr(retiring, "RETIRE_ROWS", 6)
    epochs: list[int] = []
    retire = Unretired.retire

    async def noted(self: Unretired) -> None:
        try:
            await retire(self)
        except leadership.LeadershipLostError:
            epochs.append(self._leadership.epoch)
            raise

    monkeypatch.setattr(Unretired, "retire", noted)
    async with running(bus.relay()):
        await append(bus, 0)
        await until(logged(bus, 3))
        await bus.fetch("UPDATE outbox_leader SET epoch = epoch + 1")
        await append(bus, 1)
        await until(logged(bus, 12))  # under its next epoch: the same six again
        await append(bus, 2)
        await until(logged(bus, 15))
    assert epochs == [1]
    assert (await bus.fetch("SELECT epoch FROM outbox_leader"))[0]["epoch"] == 3
    assert await sequences(bus) == {f"k{key}": [0, 1, 2] for key in range(3)}
    assert len(await bus.fetch("SELECT 1 FROM outbox_sent")) == 9


async def test_a_read_is_what_it_would_be_if_the_acknowledged_rows_were_moved(bus: Bus) -> None:
    """Random ids are acknowledged, missing or blocked. A bound of a gap that is off by one fails."""
    randomly = random.Random(15)
    async with leadership.connected(bus.dsn) as connection:
        for _ in range(60):
            ids = sorted(randomly.sample(range(1, 60), randomly.randint(0, 40)))
            await connection.execute("TRUNCATE outbox")
            await connection.execute(
                "INSERT INTO outbox (id, event_id, topic, key, type, payload) OVERRIDING SYSTEM VALUE"
                " SELECT id, uuidv7(), 't' || id % 2, 'k' || id % 3, 'e', '' FROM unnest($1::bigint[]) AS id",
                ids,
            )
            share = randomly.choice([0.0, 0.3, 0.9, 1.0])
            unretired = Unretired(connection, Leadership(connection, 0))
            acknowledged = [id_ for id_ in ids if randomly.random() < share]
            randomly.shuffle(acknowledged)
            unretired.add(Outcome(acknowledged, [0] * len(acknowledged), [None] * len(acknowledged)))
            blocked = randomly.choice([[], [("t1", None)], [("t0", "k1")], [("t1", None), ("t0", "k2")]])
            limit = randomly.randint(1, 30)
            left = [id_ for id_ in ids if id_ not in acknowledged and not _is_blocked(id_, blocked)]
            found = await reading.read(connection, limit, unretired, blocked)
            assert [row["id"] for row in found] == left[:limit]


def _is_blocked(id_: int, blocked: list[tuple[str, str | None]]) -> bool:
    topic, key = f"t{id_ % 2}", f"k{id_ % 3}"
    return (topic, None) in blocked or (topic, key) in blocked
