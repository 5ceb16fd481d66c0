"""Kafka goes away for a while: the APIs of all four services stay in service, say so, and log little."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.local.installation import DEFAULT_PACK, ROOT
from libs.events.topics import ensure_topics
from tests.infra import for_service
from tests.signing import key_files

SERVICES = {
    "registration": ("arrival-batches", "arrivals:read"),
    "provider_directory": ("organizations", "directory:read"),
    "referral": ("offers", "offers:read"),
    "notifications": ("endpoints", "endpoints:read"),
}
LINES_MAX = 60
"""Of one service in one outage; without bounds it is thousands."""


@dataclass
class Running:
    """One service as a process."""

    name: str
    client: httpx.AsyncClient
    log: Path
    child: asyncio.subprocess.Process

    async def status(self, path: str) -> int:
        return (await self.client.get(path)).status_code

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.endswith("}")]


@pytest.fixture
def environment(migrated, breakable_kafka, issuer) -> dict[str, str]:
    key = base64.b64encode(bytes(32)).decode()
    return {
        "PATH": os.environ["PATH"],
        "KAFKA_BOOTSTRAP_SERVERS": breakable_kafka.bootstrap,
        "KAFKA_PLAINTEXT_ALLOWED": "loopback",
        "ENLACE_TOKEN_ISSUER": issuer.url,
        "ENLACE_TOKEN_JWKS_URL": issuer.jwks_url,
        "ENLACE_FINGERPRINT_KEY": key,
        "ENLACE_PACK": str(DEFAULT_PACK),
        "ENLACE_VAULT_KEY": key,
        "ENLACE_RESTRICTED_KEY": base64.b64encode(bytes(range(32, 64))).decode(),
        "ENLACE_WEBHOOK_SECRET_KEY": key,
        "ENLACE_REGISTRATION_DATABASE_URL": for_service(migrated("registration")),
        "ENLACE_REGISTRATION_KEYS_DATABASE_URL": for_service(migrated("registration", "keys_migrations")),
        "ENLACE_DIRECTORY_DATABASE_URL": for_service(migrated("provider_directory")),
        "ENLACE_REFERRAL_DATABASE_URL": for_service(migrated("referral")),
        "ENLACE_NOTIFICATIONS_DATABASE_URL": for_service(migrated("notifications")),
    }


@contextlib.asynccontextmanager
async def process(
    name: str, environment: dict[str, str], directory: Path, *, ready: str = "/workz"
) -> AsyncIterator[Running]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", f"services.{name}.cli", "serve", "--port", str(port)]
    log = directory / f"{name}.log"
    keys = key_files(directory, name)
    with log.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, env=environment | keys, stdout=output, stderr=output
        )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=15) as client:
            running = Running(name, client, log, child)
            await until(running, ready, 200)
            yield running
    finally:
        if child.returncode is None:
            child.terminate()
        await child.wait()


async def until(running: Running, path: str, status: int) -> None:
    async with asyncio.timeout(300):
        while True:
            assert running.child.returncode is None, running.log.read_text()[-2000:]
            with contextlib.suppress(httpx.TransportError):
                if await running.status(path) == status:
                    return
            await asyncio.sleep(0.1)


async def works(running: Running, issuer: Any) -> None:
    """The API answers, and a probe that takes processes out of service leaves it in."""
    resource, scopes = SERVICES[running.name]
    headers = issuer.headers(scopes, organization_id=uuid4())
    assert await running.status("/readyz") == 200
    answer = await running.client.get(f"/v1/{resource}", headers=headers)
    assert answer.status_code == 200, answer.text


async def test_while_kafka_is_away_every_api_stays_in_service_its_work_is_told_unready_and_little_is_logged(
    breakable_kafka, environment, issuer, tmp_path
):
    await ensure_topics(breakable_kafka.bootstrap, replication_factor=1)
    async with contextlib.AsyncExitStack() as stack:
        every = await asyncio.gather(
            *(stack.enter_async_context(process(name, environment, tmp_path)) for name in SERVICES)
        )
        before = {running.name: len(running.lines()) for running in every}
        breakable_kafka.kill()
        try:
            for running in every:
                await until(running, "/workz", 503)
                await works(running, issuer)
                parts = (await running.client.get("/readyz")).json()["parts"]
                assert not parts["consumer"]["ready"], parts
        finally:
            await breakable_kafka.start()
        for running in every:
            await works(running, issuer)
            await until(running, "/workz", 200)
    for running in every:
        logged = running.lines()[before[running.name] :]
        told = [line for line in logged if line["logger"].startswith("aiokafka")]
        assert told, running.name
        assert not [line["event"] for line in logged if "%s" in line["event"] or "%r" in line["event"]]
        assert any("onnection refused" in line["event"] for line in told), told
        # Afterwards each partition that is read again says so once.
        outage = [line for line in logged if line["event"] != "consumer.admitted"]
        assert len(outage) <= LINES_MAX, (running.name, len(outage))


@pytest.mark.parametrize("name", SERVICES)
async def test_a_service_that_starts_while_kafka_is_away_takes_requests(name, environment, issuer, tmp_path):
    away = {**environment, "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    async with process(name, away, tmp_path, ready="/readyz") as running:
        await works(running, issuer)
        assert await running.status("/workz") == 503
