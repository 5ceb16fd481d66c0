"""The service of things as a process of its own, and what tests ask of it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from deploy.local.processes import free_port
from tests.infra import for_service

DEADLINE_SECONDS = 120


class EndedEarlyError(Exception):
    """The process ended before it answered; the text is its output."""


@dataclass
class Started:
    """A process and a client of it."""

    process: asyncio.subprocess.Process
    client: httpx.AsyncClient
    output: bytes = b""

    @property
    def pid(self) -> int:
        return self.process.pid

    async def stop(self, number: int = signal.SIGTERM) -> float:
        """Signal it and wait for its end; how many seconds that took."""
        before = time.monotonic()
        self.process.send_signal(number)
        self.output, _ = await asyncio.wait_for(self.process.communicate(), DEADLINE_SECONDS)
        return time.monotonic() - before

    def logs(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.splitlines()]


@dataclass
class Asked:
    """A client of a process that other tests use too."""

    pid: int
    client: httpx.AsyncClient


@dataclass
class Shared:
    """A process for several tests, each in a loop of its own."""

    pid: int
    url: str

    @asynccontextmanager
    async def asked(self) -> AsyncIterator[Asked]:
        async with httpx.AsyncClient(base_url=self.url) as client:
            yield Asked(self.pid, client)


def environment_of(url: str, issuer: Any, directory: Path) -> dict[str, str]:
    """The settings of the process: the database at `url`; spans go below `directory`."""
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": for_service(url),
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "ENLACE_TOKEN_ISSUER": issuer.url,
        "ENLACE_TOKEN_AUDIENCE": "enlace-tests",
        "ENLACE_TOKEN_JWKS_URL": issuer.jwks_url,
        "ENLACE_FINGERPRINT_KEY": "sample-fingerprint-key",
        "ENLACE_SPANS_DIRECTORY": str(directory / "spans"),
        "ENLACE_API_DOCS": "open",
    }


def command(port: int) -> list[str]:
    return [sys.executable, "-m", "tests.service.chassis.things", "serve", "--port", str(port)]


@contextmanager
def kept_running(environment: dict[str, str]) -> Iterator[Shared]:
    """A process that answers, until the block ends."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command(port), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        try:
            deadline = time.monotonic() + DEADLINE_SECONDS
            while not _is_up(url):
                assert run.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield Shared(run.pid, url)
        finally:
            run.kill()


def _is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


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
