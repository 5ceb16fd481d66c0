"""Clients are disposable: one that lives without progress while its log grows is replaced within thirty seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from libs.events import kafka
from libs.events.consuming import membership, watchdog
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


class Makers:
    """Makes members of a group, the first of which is stuck in one method."""

    def __init__(self, method: str, stuck: Any) -> None:
        self.made = 0
        self._method, self._stuck = method, stuck
        self._make = kafka.group_member

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.made += 1
        client: Any = self._make(*arguments, **options)
        if self.made == 1:
            self._spoil(client)
        return client

    def _spoil(self, client: Any) -> None:
        if self._method != "end_offsets":
            setattr(client, self._method, self._stuck)
            return
        ask = client.end_offsets

        async def once(*inner: Any) -> Any:
            # The first time is the admission's; the watchdog asks from then on.
            client.end_offsets = self._stuck
            return await ask(*inner)

        client.end_offsets = once


@pytest.mark.parametrize(
    ("method", "stuck", "reason", "limit"),
    [
        ("getmany", nothing, "no-progress", "STUCK_SECONDS"),
        ("getmany", never, "fetch-does-not-return", "POLL_STUCK_SECONDS"),
        ("beginning_offsets", never, "position-not-read", "ADMISSION_STUCK_SECONDS"),
        ("end_offsets", never, "no-answer", "AWAY_SECONDS"),
    ],
)
async def test_pitfall_04_a_client_that_lives_without_progress_is_replaced(
    bus: Bus, recorded: Metrics, monkeypatch: pytest.MonkeyPatch, method: str, stuck: Any, reason: str, limit: str
) -> None:
    """The first client is stuck in one of its ways. Without that check of the watchdog the events are never handled."""
    monkeypatch.setattr(watchdog, limit, 3.0)
    monkeypatch.setattr(watchdog, "ASK_SECONDS", 0.5)
    monkeypatch.setattr(membership, "MEASURE_SECONDS", 0.5)
    makers = Makers(method, stuck)
    monkeypatch.setattr(kafka, "group_member", makers)
    await send(bus, *range(3))

    async def replaced() -> bool:
        return makers.made == 2

    async with running(bus.consumer()):
        await until(replaced, seconds=REPLACED_SECONDS)
        await send(bus, 3)
        await until(effects(bus, 4), seconds=REPLACED_SECONDS)
    assert makers.made == 2
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
        await until(effects(bus, 200))
        why = str(consumer.why_unready())
        assert "is stopped: the log was cut: it ends at 0 and position 99 was handled already" in why
        await send(bus, *range(200, 250), key="b", partition=1)
        await until(effects(bus, 250), seconds=10)
    assert await numbers(bus) == {"b": list(range(250))}
