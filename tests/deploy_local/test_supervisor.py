"""The supervisor: everything starts, what dies comes back, and nothing outlives it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
import pytest

from deploy.local.installation import (
    DATABASE_VARIABLES,
    KAFKA_VARIABLE,
    ROOT,
    Installation,
    read_dotenv,
)
from deploy.local.locks import AlreadyRunningError, holder
from deploy.local.running import read_record
from deploy.local.supervisor import System, running_system
from tests.deploy_local.tiny_system import tiny


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    for name in (KAFKA_VARIABLE, *DATABASE_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    return tiny(tmp_path / "estado ñ" / ".enlace")


@pytest.fixture
def on_shared_kafka(installation: Installation, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One Kafka less to start, where Kafka's own end is not what is tested."""
    monkeypatch.setenv(KAFKA_VARIABLE, kafka_bootstrap)


async def eventually(condition: Callable[[], Any], *, seconds: float = 300) -> Any:
    until = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < until, "did not happen in time"
        await asyncio.sleep(0.05)
    return result


def family_of(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


async def pid_that_answers(url: str) -> int | None:
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            return int((await client.get(f"{url}/readyz")).json()["pid"])
        except httpx.HTTPError:
            return None


async def test_the_whole_system_starts_restarts_what_dies_and_stops(installation: Installation) -> None:
    said: list[str] = []
    others = set(family_of(os.getpid()))  # servers that tests of this run share
    async with running_system(installation, say=said.append) as system:
        await the_env_file_has_every_address(installation)
        await each_service_sees_its_own_secrets_only(system)
        with pytest.raises(AlreadyRunningError, match="already running"):
            async with running_system(installation):
                pass
        await a_killed_service_comes_back_at_its_address(system)
        await a_killed_postgres_comes_back_with_its_data(system)
        processes = set(family_of(os.getpid())) - others
        assert {"postgres", "kafka", "issuer", "registration", "referral"} == set(system.parts)
    assert any("referral ended with -9" in line for line in said)
    await eventually(lambda: not any(process.is_running() for process in processes))
    assert not installation.env_file.exists()
    assert read_record(installation.state) is None


async def the_env_file_has_every_address(installation: Installation) -> None:
    assert installation.env_file.stat().st_mode & 0o777 == 0o600
    values = read_dotenv(installation.env_file.read_text().splitlines())
    assert values["ENLACE_PACK"] == str(installation.pack)
    connection = await asyncpg.connect(values["ENLACE_REFERRAL_DATABASE_URL"])
    assert await connection.fetchval("select current_user") == "referral"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("create table kept as select 1 as one")
    assert not any("OWNER" in name for name in values)
    await connection.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(values["ENLACE_REFERRAL_DATABASE_URL"].rpartition("/")[0] + "/registration")


async def each_service_sees_its_own_secrets_only(system: System) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        registration, referral = [
            (await client.get(f"{system.environment[name]}/environment")).json()
            for name in ("ENLACE_REGISTRATION_URL", "ENLACE_REFERRAL_URL")
        ]
    assert "ENLACE_VAULT_KEY" in registration
    assert "ENLACE_VAULT_KEY" not in referral
    assert "ENLACE_REGISTRATION_DATABASE_URL" not in referral
    assert registration["ENLACE_FINGERPRINT_KEY"] != referral["ENLACE_FINGERPRINT_KEY"]


async def a_killed_service_comes_back_at_its_address(system: System) -> None:
    url = system.environment["ENLACE_REFERRAL_URL"]
    for _ in range(2):
        before = system.parts["referral"].child.pid
        os.kill(before, signal.SIGKILL)
        until = time.monotonic() + 90
        while (pid := await pid_that_answers(url)) in (None, before):
            assert time.monotonic() < until
            await asyncio.sleep(0.05)
        await eventually(lambda: system.parts["referral"].child.pid == pid)
    assert system.parts["referral"].restarts == 2


async def a_killed_postgres_comes_back_with_its_data(system: System) -> None:
    connection = await asyncpg.connect(system.owners["ENLACE_REFERRAL_OWNER_DATABASE_URL"])
    await connection.execute("create table kept as select 1 as one")
    await connection.close()
    before = system.parts["postgres"].child.pid
    os.kill(before, signal.SIGKILL)
    await eventually(lambda: system.parts["postgres"].running_pid not in (None, before))
    connection = await asyncpg.connect(system.owners["ENLACE_REFERRAL_OWNER_DATABASE_URL"])
    assert await connection.fetchval("select one from kept") == 1
    await connection.close()


@pytest.fixture
def process(installation: Installation) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.deploy_local.tiny_system", str(installation.state)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    yield running
    with contextlib.suppress(ProcessLookupError):
        running.kill()
    running.wait()


def ready(installation: Installation) -> bool:
    record = read_record(installation.state)
    return record is not None and record["ready"]


async def test_nothing_outlives_a_supervisor_that_is_killed(
    installation: Installation, process: subprocess.Popen[bytes]
) -> None:
    await eventually(lambda: ready(installation))
    children = family_of(process.pid)
    ports = [int(url.rpartition(":")[2].split("/")[0]) for url in addresses_of(installation)]
    assert len(children) > 10  # PostgreSQL's own children too
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    await eventually(lambda: not [child for child in children if child.is_running()])
    assert not [
        connection
        for connection in psutil.net_connections("tcp4")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port in ports
    ]
    assert holder(installation.lock) is None


@pytest.mark.usefixtures("on_shared_kafka")
async def test_ctrl_c_stops_everything_before_the_supervisor_ends(
    installation: Installation, process: subprocess.Popen[bytes]
) -> None:
    await eventually(lambda: ready(installation))
    children = family_of(process.pid)
    process.send_signal(signal.SIGINT)
    process.wait(30)
    assert not [child for child in children if child.is_running()]
    assert read_record(installation.state) is None


def addresses_of(installation: Installation) -> list[str]:
    values = read_dotenv(installation.env_file.read_text().splitlines())
    return [values[name] for name in ("ENLACE_REGISTRATION_URL", "ENLACE_REFERRAL_URL", KAFKA_VARIABLE)]


@pytest.mark.usefixtures("on_shared_kafka")
async def test_a_start_right_after_a_kill_finds_its_data(
    installation: Installation, process: subprocess.Popen[bytes]
) -> None:
    await eventually(lambda: ready(installation))
    secret = installation.keyring.get("vault")
    ports = (installation.state / "ports.json").read_text()
    process.kill()
    process.wait()
    async with running_system(installation, say=lambda _: None):
        assert installation.keyring.get("vault") == secret
        assert (installation.state / "ports.json").read_text() == ports
