"""The fixtures that other tests stand on."""

import os
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from fastapi import FastAPI

from tests import memory
from tests.infra import PostgresForTests
from tests.served import running


async def test_new_databases_are_apart(postgres_server: PostgresForTests) -> None:
    one, other = postgres_server.new_database("one"), postgres_server.new_database("other")
    first = await asyncpg.connect(one)
    await first.execute("create table seen ()")
    await first.close()
    second = await asyncpg.connect(other)
    assert await second.fetchval("select to_regclass('seen')") is None
    assert await second.fetchval("select current_setting('fsync')") == "on"
    await second.close()


async def test_a_lent_database_is_dropped_and_one_that_is_kept_is_not(postgres_server: PostgresForTests) -> None:
    kept = postgres_server.migrated("notifications")
    with postgres_server.lending() as lend:
        lent = lend("notifications")
        reader = await asyncpg.connect(lent)
        assert await reader.fetchval("select 1") == 1
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(lent)
    await (await asyncpg.connect(kept)).close()


def test_directories_of_tests_lie_in_memory_only_where_there_is_room(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(memory, "ROOM", 1)
    assert memory.has_room(tmp_path)
    assert not memory.has_room(tmp_path / "missing")
    monkeypatch.setattr(memory, "ROOM", 2**60)
    assert not memory.has_room(tmp_path)


def test_the_lock_of_a_killed_run_is_removed_and_that_of_a_running_one_stays(tmp_path: Path) -> None:
    """Seen to fail with either condition on the holder taken out."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    locks = {}
    for name, holder in (("killed", ended.pid), ("running", os.getpid()), ("starting", "")):
        locks[name] = tmp_path / "pytest-of-somebody" / f"pytest-{name}" / ".lock"
        locks[name].parent.mkdir(parents=True)
        locks[name].write_text(str(holder), encoding="ascii")
    memory.forget_killed_runs(tmp_path)
    assert [name for name, lock in locks.items() if lock.exists()] == ["running", "starting"]


async def test_kafka_answers(kafka_bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    assert len((await admin.describe_cluster())["brokers"]) == 1
    await admin.close()


async def test_an_app_runs_on_a_real_port() -> None:
    app = FastAPI()

    @app.get("/")
    async def root() -> str:
        return "here"

    async with running(app) as client:
        assert (await client.get("/")).json() == "here"
