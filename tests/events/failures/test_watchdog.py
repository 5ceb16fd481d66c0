"""Clients are disposable: one that lives without progress while its log grows is replaced within thirty seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from libs.events import kafka, membership, watchdog
from tests.events.bus import Bus, running, until
from tests.events.failures.observing import effects, numbers, send
from tests.events.recording import Metrics, recorded_metrics

REPLACED_SECONDS = 30


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Metrics]:
    with recorded_metrics(monkeypatch) as found:
        yield found


async def nothing(*_: Any, timeout_ms: int = 0, **__: Any) -> dict[Any, Any]:
    """What a consumer fetches that is alive and no longer fetches (aiokafka 1154, 847, 1037)."""
    await asyncio.sleep(timeout_ms / 1000)
    return {}


async def never(*_: Any, **__: Any) -> None:
    """A call that doesn't come back, as while a rebalance is waited for that never ends (aiokafka 1187)."""
    await asyncio.Event().wait()


def test_pitfall_04_every_way_to_be_stuck_is_noticed_within_thirty_seconds() -> None:
    """The limits as they are in service; the tests below make them shorter."""
    look = membership.MEASURE_SECONDS + membership.COMMIT_SECONDS
    assert watchdog.STUCK_SECONDS + look + watchdog.ASK_SECONDS <= REPLACED_SECONDS + 1
    assert watchdog.POLL_STUCK_SECONDS + membership.COMMIT_SECONDS <= REPLACED_SECONDS
    assert watchdog.POLL_STUCK_SECONDS > kafka.REBALANCE_TIMEOUT_MS / 1000
    assert watchdog.ADMISSION_STUCK_SECONDS + look <= REPLACED_SECONDS + 1


@pytest.mark.parametrize(
    ("method", "stuck", "reason"),
    [
        ("getmany", nothing, "no-progress"),
        ("getmany", never, "fetch-does-not-return"),
        ("beginning_offsets", never, "position-not-read"),
        ("end_offsets", never, "no-answer"),
    ],
)
async def test_pitfall_04_a_client_that_lives_without_progress_is_replaced(
    bus: Bus, recorded: Metrics, monkeypatch: pytest.MonkeyPatch, method: str, stuck: Any, reason: str
) -> None:
    """The first client is stuck in one of its ways. Without that check of the watchdog the events are never handled."""
    for name, seconds in (("STUCK", 1.0), ("POLL_STUCK", 2.0), ("ADMISSION_STUCK", 2.0), ("AWAY", 1.5), ("ASK", 0.5)):
        monkeypatch.setattr(watchdog, f"{name}_SECONDS", seconds)
    monkeypatch.setattr(membership, "MEASURE_SECONDS", 0.5)
    make, made = kafka.group_member, 0

    def fragile(*arguments: Any, **options: Any) -> Any:
        nonlocal made
        made += 1
        client: Any = make(*arguments, **options)
        if made == 1 and method != "end_offsets":
            setattr(client, method, stuck)
        elif made == 1:
            ask = client.end_offsets

            async def once(*inner: Any) -> Any:
                # The first time is the admission's; the watchdog asks from then on.
                client.end_offsets = stuck
                return await ask(*inner)

            client.end_offsets = once
        return client

    monkeypatch.setattr(kafka, "group_member", fragile)
    await send(bus, *range(3))
    consumer = bus.consumer()
    async with running(consumer):
        if method == "end_offsets":
            await until(effects(bus, 3))

            async def replaced() -> bool:
                return made == 2

            await until(replaced)
        began = time.monotonic()
        await send(bus, 3)
        await until(effects(bus, 4), seconds=REPLACED_SECONDS)
        assert time.monotonic() - began < REPLACED_SECONDS
    assert made == 2
    rebuilds = {attributes["error.type"]: point.value for attributes, point in recorded.read()["client.rebuilds"]}
    assert rebuilds == {reason: 1}
    assert await numbers(bus) == {"a": list(range(4))}


async def test_partitions_that_stopped_leave_the_others_their_share(bus: Bus) -> None:
    """Two of three are stopped, with a long log of the third still to come.

    aiokafka fetches nothing from a broker while a partition there has no position: without the seek in `_begin` for
    those that stop, nothing comes.
    """
    await send(bus, *range(200), key="b", partition=1)
    for partition in (0, 2):
        await bus.fetch("INSERT INTO consumer_position VALUES ($1, $2, $3, 99)", bus.group, bus.topic.name, partition)
    consumer = bus.consumer()
    async with running(consumer):
        await until(effects(bus, 200), seconds=30)
        why = str(consumer.why_unready())
        assert "is stopped: the log was cut: it ends at 0 and position 99 was handled already" in why
        await send(bus, *range(200, 250), key="b", partition=1)
        await until(effects(bus, 250), seconds=10)
    assert await numbers(bus) == {"b": list(range(250))}
