"""The service of things as a process of its own, and what tests ask of it."""

import asyncio
import json
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

DEADLINE_SECONDS = 30


class EndedEarlyError(Exception):
    """The process ended before it answered; the text is its output."""


@dataclass
class Started:
    """A process and a client of it."""

    process: asyncio.subprocess.Process
    client: httpx.AsyncClient
    output: bytes = b""

    async def stop(self, number: int = signal.SIGTERM) -> float:
        """Signal it and wait for its end; how many seconds that took."""
        before = time.monotonic()
        self.process.send_signal(number)
        self.output, _ = await asyncio.wait_for(self.process.communicate(), DEADLINE_SECONDS)
        return time.monotonic() - before

    def logs(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.splitlines()]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not await condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def answers(started: Started) -> bool:
    if started.process.returncode is not None:
        raise EndedEarlyError((await started.process.communicate())[0].decode())
    try:
        return (await started.client.get("/livez")).status_code == 200
    except httpx.TransportError:
        return False


def bearer(issuer: Any, scopes: str = "things:read things:write") -> dict[str, str]:
    headers: dict[str, str] = issuer.headers(scopes)
    return headers
