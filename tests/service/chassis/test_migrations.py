"""Migrations: one history per service, one runner at a time, all of a migration or nothing of it."""

import asyncio
import os
import sys
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text

from libs.chassis import migrations
from libs.chassis.app import _migrations_check
from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.chassis.health import Unready
from tests.infra import for_service

ENV = """
from sqlalchemy import MetaData
from libs.chassis.migrations import run_env
run_env(MetaData())
"""
FIRST = '''
from alembic import op
from libs.chassis import idempotency
from libs.chassis.migrations import run_script
revision, down_revision, branch_labels, depends_on = "0001", None, None, None
def upgrade():
    idempotency.create_table(op)
    run_script(op, """
        CREATE TABLE chair (id integer PRIMARY KEY, name text NOT NULL);
        CREATE TABLE count_of_runs (at timestamptz);
        INSERT INTO count_of_runs VALUES (now())""")
    op.execute("SELECT pg_sleep(0.3)")
'''
SECOND = """
from alembic import op
revision, down_revision, branch_labels, depends_on = "0002", "0001", None, None
def upgrade():
    op.execute("CREATE TABLE half_made (id integer)")
    op.execute("SELECT 1 / 0")
"""


@pytest.fixture
def carpentry(tmp_path: Path, monkeypatch) -> Path:
    """A service with one migration, in a project of its own."""
    versions = tmp_path / "services" / "carpentry" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions.parent / "env.py").write_text(ENV)
    (versions / "0001_first.py").write_text(FIRST)
    monkeypatch.setattr(migrations, "_ROOT", tmp_path)
    return versions


async def rows(url, query):
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def test_several_runners_at_once_apply_each_migration_once(carpentry, postgres_server):
    url = postgres_server.new_database("carpentry")
    await asyncio.gather(*(migrations.upgrade_async("carpentry", url) for _ in range(3)))
    assert len(await rows(url, "SELECT at FROM count_of_runs")) == 1
    assert await rows(url, "SELECT version_num FROM alembic_version_carpentry") == [("0001",)]
    migrations.upgrade("carpentry", url)  # also where an event loop runs
    assert len(await rows(url, "SELECT at FROM count_of_runs")) == 1


async def test_a_migration_that_fails_leaves_nothing_of_itself(carpentry, postgres_server):
    url = postgres_server.new_database("carpentry")
    (carpentry / "0002_second.py").write_text(SECOND)
    with pytest.raises(Exception, match="division by zero"):
        await migrations.upgrade_async("carpentry", url)
    assert await rows(url, "SELECT version_num FROM alembic_version_carpentry") == [("0001",)]
    assert await rows(url, "SELECT to_regclass('half_made')::text") == [(None,)]


async def test_readiness_tells_of_a_database_behind_its_migrations(carpentry, postgres_server):
    url = postgres_server.new_database("carpentry")
    database = Database(url, clock=Clock(), application_name="carpentry")
    check = _migrations_check("carpentry", database)
    try:
        with pytest.raises(Unready, match="no migration"):
            await check()
        await migrations.upgrade_async("carpentry", url)
        await check()
        (carpentry / "0002_second.py").write_text(SECOND)
        migrations._history.cache_clear()  # as in the process of a newer version
        with pytest.raises(Unready, match="lacks migrations"):
            await _migrations_check("carpentry", database)()
        await check()  # the process that knows the older version only goes on
    finally:
        await database.close()


async def test_a_second_history_has_a_version_table_of_its_own(carpentry, postgres_server):
    url = postgres_server.new_database("carpentry")
    other = carpentry.parents[1] / "keys_migrations"
    (other / "versions").mkdir(parents=True)
    (other / "env.py").write_text(ENV)
    (other / "versions" / "0001.py").write_text(FIRST)
    await migrations.upgrade_async("carpentry", url, history="keys_migrations")
    assert await rows(url, "SELECT version_num FROM alembic_version_carpentry_keys_migrations") == [("0001",)]


async def test_differences_between_tables_and_database_are_told(carpentry, postgres_server):
    url = postgres_server.new_database("carpentry")
    await migrations.upgrade_async("carpentry", url)
    metadata = MetaData()
    Table("chair", metadata, Column("id", Integer, primary_key=True), Column("name", Text, nullable=False))
    assert await migrations.differences(url, metadata) == []
    Table("table", metadata, Column("id", Integer, primary_key=True))
    assert len(await migrations.differences(url, metadata)) == 1


@pytest.mark.parametrize(
    ("named", "status", "says"),
    [
        ((), 2, "variable is missing: ENLACE_THINGS_OWNER_DATABASE_URL"),
        (("owner",), 2, "variable is missing: ENLACE_THINGS_DATABASE_URL"),
        (("owner", "as owner"), 2, "other than the"),
        (("owner", "service"), 1, "services/things"),
    ],
)
async def test_the_command_reads_both_addresses_from_the_environment(named, status, says, postgres_server):
    # The small service has no folder of migrations, so with both addresses the command fails later, at the folder.
    url = postgres_server.new_database("things")
    given = {
        "owner": {"ENLACE_THINGS_OWNER_DATABASE_URL": url},
        "as owner": {"ENLACE_THINGS_DATABASE_URL": url},
        "service": {"ENLACE_THINGS_DATABASE_URL": for_service(url)},
    }
    environment = {name: value for one in named for name, value in given[one].items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.service.chassis.things", "migrate"),
        env={"PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    assert process.returncode == status, output
    assert says in " ".join(output.replace("│", " ").split())
