"""A foreign producer's id that comes again: with the same content it is a repeat, with another one it is parked."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from tests.events.bus import Bus, event_headers, running, until
from tests.events.failures.observing import position

Make = Callable[..., Awaitable[Bus]]


async def send(bus: Bus, number: int, *, id_: str, key: str = "a", indent: int | None = None) -> None:
    async with bus.producer() as producer:
        value = json.dumps({"number": number, "name": key}, indent=indent).encode()
        headers = event_headers(bus.counted.type, id_)
        await producer.send_and_wait(bus.topic.name, value, key=key.encode(), headers=headers, partition=0)


async def test_an_id_that_comes_with_something_else_is_parked_within_a_batch_and_over_two(make_bus: Make) -> None:
    """Dropped as a repeat of the first, the second person was neither registered nor parked."""
    bus = await make_bus(foreign=True)
    await send(bus, 1, id_="id-1")
    await send(bus, 2, id_="id-1", key="b")
    await send(bus, 1, id_="id-1", indent=2)
    async with running(bus.consumer()):
        await until(position(bus, 3))
        await send(bus, 3, id_="id-1", key="c")
        await send(bus, 1, id_="id-1")
        await until(position(bus, 5))
    assert [number for _, _, number in await bus.effects()] == [1]
    rows = await bus.fetch("SELECT reason, event_id FROM parked ORDER BY log_offset")
    assert [tuple(row) for row in rows] == [("id-reused", "id-1")] * 2


async def test_what_an_older_version_took_over_without_a_digest_is_a_repeat(make_bus: Make) -> None:
    bus = await make_bus(foreign=True)
    await send(bus, 1, id_="id-1")
    async with running(bus.consumer()):
        await until(position(bus, 1))
        await bus.fetch("UPDATE inbox SET content = NULL")
        await send(bus, 2, id_="id-1")
        await until(position(bus, 2))
    assert await bus.fetch("SELECT 1 FROM parked") == []
