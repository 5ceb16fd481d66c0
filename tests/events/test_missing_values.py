"""Records that hold nothing: a person must know of them, but for the tombstones of a compacted topic."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest

from libs.events.audit import Hand
from libs.events.operating import unparking
from libs.events.postgres import raw
from tests.events.bus import Bus, event_headers, running, until
from tests.events.failures.observing import effects, position

Make = Callable[..., Awaitable[Bus]]
STRUCTURED = [("content-type", b"application/cloudevents+json")]


async def parked(bus: Bus) -> list[tuple[str, str | None]]:
    return [tuple(row) for row in await bus.fetch("SELECT reason, error FROM parked ORDER BY log_offset")]


async def test_a_record_without_a_value_is_parked_in_either_mode_and_with_or_without_a_key(bus: Bus) -> None:
    """Passed over as a tombstone it was neither handled nor parked, and nobody ever knew of it."""
    headers = event_headers(bus.counted.type)
    async with bus.producer() as producer:
        await producer.send_and_wait(bus.topic.name, None, key=b"a", headers=headers, partition=0)
        await producer.send_and_wait(bus.topic.name, None, key=b"b", headers=STRUCTURED, partition=0)
        await producer.send_and_wait(bus.topic.name, None, key=b"c", partition=0)
        await producer.send_and_wait(bus.topic.name, b"", headers=headers, partition=0)
        await producer.send_and_wait(bus.topic.name, None, key=b"d", headers=event_headers("other.v1"), partition=0)
    async with running(bus.consumer()):
        await until(position(bus, 5))
    assert await parked(bus) == [("value-missing", "the record has no value")] * 4


@pytest.mark.parametrize("value", [b"null", b"{}", b"[]", b'""', b"0"])
async def test_a_value_that_says_nothing_is_parked_as_one_that_breaks_the_schema(bus: Bus, value: bytes) -> None:
    envelope = {"specversion": "1.0", "id": "1", "source": "urn:test:foreign", "type": bus.counted.type}
    structured = json.dumps(envelope | {"data": json.loads(value)}).encode()
    async with bus.producer() as producer:
        headers = event_headers(bus.counted.type)
        await producer.send_and_wait(bus.topic.name, value, key=b"a", headers=headers, partition=0)
        await producer.send_and_wait(bus.topic.name, structured, key=b"b", headers=STRUCTURED, partition=0)
    async with running(bus.consumer()):
        await until(position(bus, 2))
    assert [reason for reason, _ in await parked(bus)] == ["schema", "schema"]


async def test_the_same_event_sent_again_with_its_value_is_handled_once_the_empty_one_is_discarded(bus: Bus) -> None:
    """An empty record that took its id in the inbox would make the whole one a duplicate, and drop it."""
    headers = event_headers(bus.counted.type, "id-1")
    whole = bus.counted(name="a", number=1).model_dump_json().encode()
    async with bus.producer() as producer:
        await producer.send_and_wait(bus.topic.name, None, key=b"a", headers=headers, partition=0)
        await producer.send_and_wait(bus.topic.name, whole, key=b"a", headers=headers, partition=0)
    async with running(bus.consumer()):
        await until(position(bus, 2))
        assert [reason for reason, _ in await parked(bus)] == ["value-missing", "behind"]
        async with bus.database.transaction() as session:
            connection = await raw(session)
            by = Hand(operator="a person", reason="an empty record")
            await unparking.discard(connection, 1 + await _before_first(bus), by=by)
            await unparking.ask_for_retries(connection, by=by)
        await until(effects(bus, 1))
    assert await parked(bus) == []


async def _before_first(bus: Bus) -> int:
    (row,) = await bus.fetch("SELECT min(id) - 1 AS id FROM parked")
    return int(row["id"])


async def test_a_record_without_a_value_is_a_tombstone_on_a_compacted_topic(make_bus: Make) -> None:
    bus = await make_bus(compacted=True)
    async with bus.producer() as producer:
        headers = event_headers(bus.counted.type)
        await producer.send_and_wait(bus.topic.name, None, key=b"a", headers=headers, partition=0)
        await producer.send_and_wait(bus.topic.name, b"", key=b"b", headers=headers, partition=0)
    async with running(bus.consumer()):
        await until(position(bus, 2))
    assert await parked(bus) == [("value-missing", "the record has no value")]


async def test_what_had_no_value_stays_so_when_it_is_retried(bus: Bus) -> None:
    async with bus.producer() as producer:
        await producer.send_and_wait(bus.topic.name, None, key=b"a", headers=event_headers(bus.counted.type))
    async with running(bus.consumer()):

        async def attempted(count: int) -> bool:
            rows = await bus.fetch("SELECT attempts FROM parked")
            return bool(rows) and rows[0]["attempts"] >= count

        await until(lambda: attempted(0))
        async with bus.database.transaction() as session:
            by = Hand(operator="a person", reason="to see")
            await unparking.ask_for_retries(await raw(session), by=by)
        await until(lambda: attempted(1))
