"""Where others write, what they get wrong stops nothing, holds up nobody, fills no disk, and can be had again."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from libs.events import retention
from libs.events.audit import Hand
from libs.events.handling import quota
from libs.events.handling.batch import NOT_BELIEVED
from libs.events.handling.quota import OVER_QUOTA, Room
from libs.events.operating import unparking
from tests.events.bus import Bus, event_headers, running, until
from tests.events.test_poison import seal, unseal
from tests.signing import KEYRING

Make = Callable[..., Awaitable[Bus]]
ANA = Hand("ana", "mended")


async def send(bus: Bus, *bodies: dict[str, Any] | bytes, key: str = "a", **attributes: str) -> None:
    async with bus.producer() as producer:
        for body in bodies:
            value = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers = event_headers(bus.counted.type, **attributes)
            await producer.send(bus.topic.name, value, key=key.encode(), headers=headers, partition=0)
        await producer.flush()


def at(bus: Bus, position: int) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        rows = await bus.fetch("SELECT next_offset FROM consumer_position WHERE partition = 0")
        return bool(rows and rows[0]["next_offset"] >= position)

    return condition


async def foreign(make_bus: Make) -> Bus:
    return await make_bus(partitions=1, foreign=True, personal=True)


def numbers(bus: Bus, start: int, count: int) -> list[dict[str, Any]]:
    return [{"name": "a", "number": number} for number in range(start, start + count)]


async def reasons(bus: Bus) -> list[tuple[str, int]]:
    rows = await bus.fetch("SELECT reason, count(*)::int FROM parked GROUP BY reason ORDER BY reason")
    return [tuple(row) for row in rows]


async def test_nothing_that_a_stranger_sends_stops_a_partition_or_holds_up_its_key(make_bus: Make) -> None:
    """Messages that can't be read and such as a handler fails for, all of one key: with `failed()` counting them the
    partition stops, with the key held the good ones wait."""
    bus = await foreign(make_bus)
    bad = bus.subscriptions(poison=lambda event: event.number < 0)  # type: ignore[attr-defined]
    consumer = bus.consumer(bad, seal=seal, unseal=unseal)
    for start in (0, 10):
        await send(bus, *[b"no json"] * 20, *numbers(bus, -20, 20), *numbers(bus, start, 10))
    async with running(consumer):
        await until(at(bus, 100))
        assert consumer.why_unready() is None
    assert [number for _, _, number in await bus.effects()] == list(range(20))
    assert await reasons(bus) == [("handler", 40), ("schema", 40)]


async def test_beyond_the_quota_of_a_source_messages_are_counted_and_the_good_ones_taken(
    make_bus: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota, "SOURCE_ROWS", 5)
    monkeypatch.setattr(quota, "SOURCES", 3)
    bus = await foreign(make_bus)
    async with running(bus.consumer(seal=seal, unseal=unseal)):
        await send(bus, *[b"no json"] * 20, ce_source="urn:one")
        await until(at(bus, 20))
        for source in range(10):
            await send(bus, b"no json", ce_source=f"urn:made-up:{source}")
        await send(bus, *numbers(bus, 1, 3), ce_source="urn:one")
        await until(at(bus, 33))
    assert [number for _, _, number in await bus.effects()] == [1, 2, 3]
    assert await reasons(bus) == [(OVER_QUOTA, 1), ("schema", 7)]
    (row,) = await bus.fetch("SELECT error, sealed FROM parked WHERE reason = $1", OVER_QUOTA)
    assert tuple(row) == ("23 messages between offsets 5 and 29", False)
    connection = await asyncpg.connect(bus.dsn)
    listed = {key.reason for key in await unparking.parked_keys(connection)}
    assert listed == {"schema", OVER_QUOTA}
    await connection.close()


async def test_what_was_only_counted_is_handled_when_the_position_is_moved_back(
    make_bus: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours refuses a rightful sender's messages: with their ids taken they would be dropped as repeats."""
    monkeypatch.setattr(quota, "SOURCE_ROWS", 2)
    bus = await foreign(make_bus)
    broken = True
    await send(bus, *numbers(bus, 0, 6))
    async with running(bus.consumer(bus.subscriptions(poison=lambda _: broken), seal=seal, unseal=unseal)):
        await until(at(bus, 6))
    assert await reasons(bus) == [("handler", 2), (OVER_QUOTA, 1)]
    broken = False
    await bus.fetch("UPDATE consumer_position SET next_offset = 0, last_event_id = NULL")
    async with running(bus.consumer(bus.subscriptions(poison=lambda _: broken), seal=seal, unseal=unseal)):
        await until(at(bus, 6))
        connection = await asyncpg.connect(bus.dsn)
        await unparking.ask_for_retries(connection, by=ANA)

        async def retried() -> bool:
            return await reasons(bus) == [(OVER_QUOTA, 1)]

        await until(retried)
        await connection.close()
    assert sorted(number for _, _, number in await bus.effects()) == list(range(6)), "each once, a retry included"


async def test_a_message_that_could_not_be_read_takes_no_id_from_its_correction(make_bus: Make) -> None:
    bus = await foreign(make_bus)
    async with running(bus.consumer(seal=seal, unseal=unseal)):
        await send(bus, b"no json", ce_id="seat-7")
        await send(bus, *numbers(bus, 7, 1), ce_id="seat-7")
        await until(at(bus, 2))
    assert [number for _, _, number in await bus.effects()] == [7]


async def test_what_is_parked_sealed_ages_out_with_what_was_counted(
    make_bus: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota, "SOURCE_ROWS", 2)
    bus = await foreign(make_bus)
    await send(bus, *[b"no json"] * 5)
    async with running(bus.consumer(seal=seal, unseal=unseal)):
        await until(at(bus, 5))
    assert [row["sealed"] for row in await bus.fetch("SELECT sealed FROM parked ORDER BY sealed")] == [
        False,
        True,
        True,
    ]
    connection = await asyncpg.connect(bus.dsn)
    older = f"- make_interval(days => {retention.KEEP_DAYS + 2})"
    await connection.execute(
        f"UPDATE parked SET parked_at = parked_at {older}; UPDATE parked_key SET since = since {older}"
    )
    await retention.tidy(connection)
    await connection.close()
    assert await bus.fetch("SELECT 1 FROM parked UNION ALL SELECT 1 FROM parked_key") == []


async def test_forged_events_of_our_own_topics_have_the_same_quota_and_no_others(
    make_bus: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota, "SOURCE_ROWS", 5)
    bus = await make_bus(partitions=1, writer="referral")
    await send(bus, *numbers(bus, 0, 30))
    consumer = bus.consumer(keyring=KEYRING)
    async with running(consumer):
        await until(at(bus, 30))
        assert consumer.why_unready() is None
    assert await bus.effects() == []
    assert await reasons(bus) == [(OVER_QUOTA, 1), (NOT_BELIEVED, 5)]


def test_no_number_of_sources_makes_more_room_than_a_partition_has() -> None:
    room = Room()
    kept = sum(room.take(f"urn:{number}", 10) for number in range(100_000))
    assert kept == quota.SOURCES
    room = Room()
    assert sum(room.take(f"urn:{number % quota.SOURCES}", 10) for number in range(100_000)) == quota.ROWS
    assert sum(room.take("urn:0", 10) for _ in range(10)) == 0
    room = Room()
    assert sum(room.take("urn:large", 1_000_000) for _ in range(100)) == quota.BYTES // 1_000_000
