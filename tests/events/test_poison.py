"""Events that fail: parked with their key, limited, retried in order, discarded; others go on."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events import outbox
from libs.events.audit import Hand, ReasonMissingError
from libs.events.event import Event
from libs.events.handling import limits
from libs.events.handling.parking import Content
from libs.events.operating import unparking
from libs.events.operating.unparking import NothingParkedError
from libs.events.postgres import raw
from tests.events.bus import Bus, event_headers, running, until
from tests.events.parked_events import events_of_key

Make = Callable[..., Awaitable[Bus]]
CANARY = "CANARY-of-a-person"


def seal(content: bytes) -> bytes:
    return b"sealed:" + content[::-1]


def unseal(content: bytes) -> bytes:
    return content.removeprefix(b"sealed:")[::-1]


async def publish(bus: Bus, *events: Event) -> None:
    """Write events to the outbox and the topic."""
    await bus.append(*events)
    async with running(bus.relay()):

        async def out() -> bool:
            return not await bus.fetch("SELECT 1 FROM outbox")

        await until(out)


def caught_up(bus: Bus) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        rows = await bus.fetch("SELECT coalesce(sum(next_offset), 0)::int AS total FROM consumer_position")
        return bool(rows[0]["total"] == len(await bus.records()))

    return condition


async def test_c6_a_failing_event_and_the_later_ones_of_its_key_are_parked_and_all_others_go_on(bus: Bus) -> None:
    """With the batch simply tried again nothing of the partition ever goes on. Without `_without_failed_keys` in
    `Isolation` later events of the key overtake within the batch, without `still_parked` in `Delivery` after it."""
    await publish(bus, *(bus.counted(name=f"k{key}", number=number) for number in range(6) for key in range(20)))
    bad = bus.subscriptions(poison=lambda event: (event.key, event.number) == ("k7", 2))  # type: ignore[attr-defined]
    async with running(bus.consumer(bad)):
        await until(caught_up(bus))
        await publish(bus, bus.renamed(name="k7", number=9), bus.renamed(name="k8", number=9))
        await until(caught_up(bus))
    found = await bus.effects()
    assert [number for key, _, number in found if key == "k7"] == [0, 1]
    assert [number for key, _, number in found if key == "k8"] == [0, 1, 2, 3, 4, 5, 9]
    assert len(found) == 19 * 6 + 2 + 1
    parked = await bus.fetch("SELECT reason, error, event_type FROM parked ORDER BY id")
    assert [row["reason"] for row in parked] == ["handler", "behind", "behind", "behind", "behind"]
    assert parked[0]["error"].startswith("ValueError at tests/events/bus.py:")
    assert parked[-1]["event_type"] == "thing.renamed.v1"


async def test_events_that_a_failing_attempt_appended_are_not_published(bus: Bus) -> None:
    """Without cutting the gathered rows back after a savepoint they would be."""
    await publish(bus, *(bus.counted(name=f"k{key}", number=key) for key in range(8)))
    subscriptions = bus.subscriptions()

    @subscriptions.before_batch
    async def append_then_fail(session: AsyncSession, batch: Sequence[Any]) -> None:
        await outbox.append(session, [bus.renamed(name=received.key, number=0) for received in batch])
        if any(received.event.number == 3 for received in batch):
            raise ValueError("fails")

    async with running(bus.consumer(subscriptions)):
        await until(caught_up(bus))
    rows = await bus.fetch("SELECT key FROM outbox")
    assert sorted(row["key"] for row in rows) == [f"k{key}" for key in range(8) if key != 3]


async def test_a_constraint_that_is_checked_at_commit_is_found_too(bus: Bus) -> None:
    """Without `SET CONSTRAINTS ALL IMMEDIATE` the careful pass fails at COMMIT as well, and for ever."""
    await publish(bus, *(bus.counted(name=f"k{key}", number=key) for key in range(8)))
    async with bus.database.transaction() as session:
        connection = await raw(session)
        await connection.execute("CREATE TABLE thing (number int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        await connection.execute("INSERT INTO thing VALUES (3)")
    subscriptions = bus.subscriptions()

    @subscriptions.before_batch
    async def insert(session: AsyncSession, batch: Sequence[Any]) -> None:
        numbers = [received.event.number for received in batch]
        await (await raw(session)).execute("INSERT INTO thing SELECT unnest($1::int[])", numbers)

    async with running(bus.consumer(subscriptions)):
        await until(caught_up(bus))
    assert sorted(number for _, _, number in await bus.effects()) == [0, 1, 2, 4, 5, 6, 7]
    assert len(await bus.fetch("SELECT 1 FROM parked")) == 1


async def test_c6_when_everything_fails_the_partition_stops_instead_of_parking_everything(make_bus: Make) -> None:
    """Without the limit 40 events are parked, and the next ones after them."""
    bus = await make_bus(partitions=1)
    await publish(bus, *(bus.counted(name=f"k{key}", number=key) for key in range(40)))
    consumer = bus.consumer(bus.subscriptions(poison=lambda _: True))
    async with running(consumer):

        async def stopped() -> bool:
            return f"{limits.IN_A_ROW} events in a row failed" in str(consumer.why_unready())

        await until(stopped)
    assert await bus.fetch("SELECT 1 FROM parked") == []
    async with running(bus.consumer()):
        await until(caught_up(bus))
    assert len(await bus.effects()) == 40


async def test_a_conflict_between_transactions_is_tried_again_and_never_parks(bus: Bus) -> None:
    """Without `postgres.cause_of` the deadlock's loser is parked."""
    await publish(bus, *(bus.counted(name=f"k{key}", number=key) for key in range(8)))
    subscriptions = bus.subscriptions()
    # As many as it takes to halve the batch down to one event.
    failures: list[type[Exception]] = [asyncpg.DeadlockDetectedError, asyncpg.SerializationError] * 4

    @subscriptions.before_batch
    async def conflict(session: AsyncSession, batch: Sequence[Any]) -> None:
        if failures:
            raise failures.pop()("a conflict")

    async with running(bus.consumer(subscriptions)):
        await until(caught_up(bus))
    assert len(await bus.effects()) == 8
    assert await bus.fetch("SELECT 1 FROM parked") == []


async def test_while_the_database_is_away_the_batch_waits_and_nothing_is_parked(make_bus: Make) -> None:
    """Taken for the events' fault, the outage stops the partition."""
    bus = await make_bus(partitions=1)
    await publish(bus, *(bus.counted(name=f"k{key}", number=key) for key in range(8)))
    subscriptions = bus.subscriptions()
    met: list[AsyncSession] = []

    @subscriptions.before_batch
    async def away(session: AsyncSession, batch: Sequence[Any]) -> None:
        if session not in met:
            met.append(session)
        if len(met) <= 4:
            # The server ends this connection, as it does when it stops.
            await (await raw(session)).execute("SELECT pg_terminate_backend(pg_backend_pid())")

    async with running(bus.consumer(subscriptions)):
        await until(caught_up(bus))
    assert len(await bus.effects()) == 8
    assert await bus.fetch("SELECT 1 FROM parked") == []


async def test_a_retry_handles_a_keys_events_in_their_order_and_lets_newer_ones_pass_afterwards(bus: Bus) -> None:
    broken = True
    await publish(bus, *(bus.counted(name="a", number=number) for number in range(5)))
    subscriptions = bus.subscriptions(poison=lambda event: broken and event.number == 2)  # type: ignore[attr-defined]
    connection = await asyncpg.connect(bus.dsn)
    async with running(bus.consumer(subscriptions)):
        await until(caught_up(bus))
        (key,) = await unparking.parked_keys(connection)
        assert (key.key, key.count, key.reason) == (b"a", 3, "handler")
        where: dict[str, Any] = {"group": key.group, "topic": key.topic, "key": key.key}

        await unparking.ask_for_retry(connection, **where, by=Hand("ana", "to see it fail again"))

        async def tried() -> bool:
            return bool((await events_of_key(connection, **where))[0].attempts == 1)

        await until(tried)
        assert len(await events_of_key(connection, **where)) == 3

        broken = False
        await unparking.ask_for_retry(connection, **where, by=Hand("ana", "the handler was mended"))

        async def free() -> bool:
            return not await unparking.parked_keys(connection)

        await until(free)
        await publish(bus, bus.counted(name="a", number=5))
        await until(caught_up(bus))
    assert [number for _, _, number in await bus.effects()] == [0, 1, 2, 3, 4, 5]
    assert await bus.fetch("SELECT 1 FROM parked") == []
    actions = await bus.fetch("SELECT action, operator, reason FROM operator_action ORDER BY id")
    assert [tuple(row) for row in actions] == [
        ("parked.retry", "ana", "to see it fail again"),
        ("parked.retry", "ana", "the handler was mended"),
    ]
    await connection.close()


async def test_a_discarded_event_is_gone_and_the_rest_of_its_key_can_be_retried(bus: Bus) -> None:
    await publish(bus, *(bus.counted(name="a", number=number) for number in range(3)))
    subscriptions = bus.subscriptions(poison=lambda event: event.number == 1)  # type: ignore[attr-defined]
    connection = await asyncpg.connect(bus.dsn)
    async with running(bus.consumer(subscriptions)):
        await until(caught_up(bus))
        (key,) = await unparking.parked_keys(connection)
        assert key.first_id is not None
        event = await unparking.parked_event(connection, key.first_id)
        assert event.content is not None
        assert json.loads(event.content.value) == {"name": "a", "number": 1}
        with pytest.raises(ReasonMissingError):
            await unparking.discard(connection, event.id, by=Hand("ana", " "))
        await unparking.discard(connection, event.id, by=Hand("ana", "sent by mistake"))
        with pytest.raises(NothingParkedError):
            await unparking.discard(connection, event.id, by=Hand("ana", "again"))
        await unparking.ask_for_retry(
            connection, group=key.group, topic=key.topic, key=key.key, by=Hand("ana", "go on")
        )

        async def free() -> bool:
            return not await unparking.parked_keys(connection)

        await until(free)
    assert [number for _, _, number in await bus.effects()] == [0, 2]
    await connection.close()


async def test_an_arrival_that_can_not_be_read_is_parked_sealed_and_blocks_nothing(make_bus: Make) -> None:
    """Without the seal the canary is found in the tables."""
    bus = await make_bus(partitions=1, foreign=True, personal=True)
    good = bus.counted(name="b", number=1).model_dump_json().encode()
    bodies = [
        (CANARY, json.dumps({"name": CANARY, "number": "x"}).encode(), event_headers(bus.counted.type)),
        ("b", good, event_headers(bus.counted.type)),
        ("b", good, event_headers(bus.counted.type)),
        ("c", CANARY.encode(), [("content-type", b"application/cloudevents+json")]),
        ("d", good, [("ce_type", bus.counted.type.encode()), ("ce_subject", CANARY.encode())]),
    ]
    async with bus.producer() as producer:
        for key, value, headers in bodies:
            await producer.send_and_wait(bus.topic.name, value, key=key.encode(), headers=headers)
    async with running(bus.consumer(seal=seal, unseal=unseal)):
        await until(caught_up(bus))
    assert await bus.effects() == [("b", bus.counted.type, 1)] * 2
    parked = await bus.fetch("SELECT * FROM parked ORDER BY id")
    assert [row["reason"] for row in parked] == ["schema", "envelope", "envelope"]
    assert [row["error"] for row in parked] == [
        "number int_parsing",
        "structured-not-json",
        "specversion-missing",
    ]
    for table in ("parked", "parked_key", "inbox", "consumer_position"):
        assert CANARY not in str(await bus.fetch(f"SELECT * FROM {table}"))
        in_hex = CANARY.encode().hex()
        assert not await bus.fetch(f"SELECT 1 FROM {table} t WHERE t::text LIKE '%' || $1 || '%'", in_hex)
    assert Content.from_bytes(unseal(parked[1]["content"])).value == CANARY.encode()


async def test_a_topic_with_identity_data_needs_a_seal(make_bus: Make) -> None:
    bus = await make_bus(partitions=1, foreign=True, personal=True)
    with pytest.raises(ValueError, match="needs a seal"):
        bus.consumer()


async def test_a_sealed_event_is_unsealed_for_its_retry(make_bus: Make) -> None:
    bus = await make_bus(partitions=1, foreign=True, personal=True)
    broken = True
    async with bus.producer() as producer:
        body = bus.counted(name="a", number=1).model_dump_json().encode()
        await producer.send_and_wait(bus.topic.name, body, key=b"a", headers=event_headers(bus.counted.type))
    connection = await asyncpg.connect(bus.dsn)
    async with running(bus.consumer(bus.subscriptions(poison=lambda _: broken), seal=seal, unseal=unseal)):
        await until(caught_up(bus))
        (key,) = await unparking.parked_keys(connection)
        assert key.first_id is not None
        assert (await unparking.parked_event(connection, key.first_id)).content is None
        broken = False
        await unparking.ask_for_retry(
            connection, group=key.group, topic=key.topic, key=key.key, by=Hand("ana", "mended")
        )

        async def there() -> bool:
            return await bus.effects() == [("a", bus.counted.type, 1)]

        await until(there)
    await connection.close()
