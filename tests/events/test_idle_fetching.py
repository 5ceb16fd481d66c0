"""A member that gets no records sends few requests to Kafka, and its next record still comes at once."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.fetch import FetchRequest

from libs.events import kafka
from tests.events.bus import Bus, running, until
from tests.events.failures.observing import effects, numbers, send


async def test_an_idle_member_waits_longer_until_the_next_record(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken out: the longer wait; the moment of the last records, so that the wait stays long while records come."""
    waits: list[int] = []
    ask = AIOKafkaClient.send

    async def noted(client: AIOKafkaClient, node_id: int, request: Any, **options: Any) -> Any:
        if isinstance(request, FetchRequest):
            waits.append(request._max_wait_ms)
        return await ask(client, node_id, request, **options)

    monkeypatch.setattr(AIOKafkaClient, "send", noted)
    monkeypatch.setattr(kafka, "IDLE_SECONDS", 600.0)

    async def waits_long() -> bool:
        return kafka.IDLE_FETCH_WAIT_MS in waits

    async def waits_a_little() -> bool:
        return kafka.FETCH_WAIT_MS in waits

    consumer = bus.consumer()
    async with running(consumer):
        await until(waits_a_little)
        assert consumer._membership is not None
        member: Any = consumer._membership._member
        member._fetcher.came_at = float("-inf")
        await until(waits_long)
        await send(bus, 0, 1)
        await until(effects(bus, 2))
        waits.clear()
        # The moment of the records is noted before the next request is made.
        await until(waits_a_little)
        assert await numbers(bus) == {"a": [0, 1]}
        assert set(waits) == {kafka.FETCH_WAIT_MS}
