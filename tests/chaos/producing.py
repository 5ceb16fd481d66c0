"""A reception system's producer: it goes on until the broker has acknowledged, with a new client if need be."""

import asyncio
import contextlib
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.chaos.history import History

ACKNOWLEDGED_WITHIN_SECONDS = 12.0
PAUSE_SECONDS = 0.5
TOPIC = "enlace.arrivals"
Record = tuple[bytes, bytes, list[tuple[str, bytes]]]


class Producing:
    """Sends events; an event that was not acknowledged in time is sent again under the same id."""

    def __init__(self, bootstrap_servers: str, history: History) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._history = history
        self._client: Any = None
        self._changing = asyncio.Lock()

    async def send(self, record: Record) -> None:
        """Returns when the broker has acknowledged; goes on until then, or until it is cancelled."""
        key, value, headers = record
        while True:
            client: Any = None
            try:
                async with asyncio.timeout(ACKNOWLEDGED_WITHIN_SECONDS):
                    client = await self._current()
                    await client.send_and_wait(TOPIC, key=key, value=value, headers=headers)
                return
            except (KafkaError, OSError, TimeoutError):
                self._history.attempts_again += 1
                await self._discard(client)
                await asyncio.sleep(PAUSE_SECONDS)

    async def close(self) -> None:
        """Give up whatever is on its way."""
        await self._discard(self._client)

    async def _current(self) -> Any:
        async with self._changing:
            if self._client is None:
                client: Any = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap_servers,
                    acks="all",
                    enable_idempotence=True,
                    request_timeout_ms=8_000,
                )
                try:
                    await client.start()
                except BaseException:
                    await _close(client)
                    raise
                self._client = client
            return self._client

    async def _discard(self, client: Any) -> None:
        if client is not None and client is self._client:
            self._client = None
            await _close(client)


async def _close(client: Any) -> None:
    """aiokafka's `stop` waits for every batch without a limit."""
    with contextlib.suppress(Exception):
        await asyncio.wait_for(client.stop(), 2.0)
        return
    sender = getattr(client, "_sender", None)
    task = getattr(sender, "sender_task", None)
    if task is not None:
        task.cancel()
    with contextlib.suppress(Exception):
        await asyncio.wait_for(client.client.close(), 2.0)
