"""Runs the migrations of Alembic from the program. Each service has its own history and version table, and only one
process migrates a database at a time.

A service's `migrations/env.py` is three lines:

    from libs.chassis.migrations import run_env
    from services.things.database import metadata
    run_env(metadata)
"""

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, cast

from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import MetaData, text
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only

from libs.chassis.database import Connection
from libs.chassis.database_address import open_engine

_ROOT = Path(__file__).resolve().parents[2]
_LOCK_TIMEOUT = "10s"


def upgrade(service: str, url: str, *, revision: str = "head", history: str = "migrations") -> None:
    """Migrate the database at `url` to `revision` of `services/<service>/<history>`; waits for a concurrent run.

    Blocks until done; may be called with or without a running event loop.
    """
    with ThreadPoolExecutor(1) as thread:  # a separate thread has no running loop
        thread.submit(lambda: asyncio.run(upgrade_async(service, url, revision=revision, history=history))).result()


async def upgrade_async(service: str, url: str, *, revision: str = "head", history: str = "migrations") -> None:
    """The same as `upgrade`, for callers that have an event loop."""
    engine = open_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _lock_number(service, history)})
            # A migration that waits for a lock blocks all later statements: it is better to fail and run it again.
            await connection.execute(text("SELECT set_config('lock_timeout', :time, false)"), {"time": _LOCK_TIMEOUT})
            await connection.commit()
            await connection.run_sync(_upgrade, config_of(service, history), revision)
    finally:
        await engine.dispose()


def run_env(metadata: MetaData) -> None:
    """Called by a service's `migrations/env.py`; runs the pending migrations, each in its own transaction."""
    attributes = context.config.attributes
    connection: SyncConnection | None = attributes.get("connection")
    if connection is None:
        raise RuntimeError("run migrations with: python -m services.<service>.cli migrate")
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=attributes["version_table"],
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_script(op: Any, sql: str) -> None:
    """Run several SQL statements at once inside a migration; `op.execute` takes one statement at a time."""
    bind: SyncConnection = op.get_bind()
    bind.exec_driver_sql("SELECT 1")  # ensures that the transaction has begun
    driver = cast(Connection, bind.connection.driver_connection)
    await_only(driver.execute(sql))


def head_of(service: str, *, history: str = "migrations") -> str | None:
    """The newest revision of a service's history; None when it has none."""
    if not (_directory(service, history) / "versions").is_dir():
        return None
    return _history(_directory(service, history)).get_current_head()


def known_revisions(service: str, *, history: str = "migrations") -> frozenset[str]:
    """Every revision of a service's history that this version of the code knows."""
    return frozenset(revision.revision for revision in _history(_directory(service, history)).walk_revisions())


async def differences(url: str, metadata: MetaData) -> list[str]:
    """How the database at `url` differs from `metadata`, for Alembic; tables that are not in `metadata` are ignored."""
    engine = open_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_differences, metadata)
    finally:
        await engine.dispose()


def version_table(service: str, history: str = "migrations") -> str:
    """The table that says which migrations a database has."""
    return f"alembic_version_{service}" if history == "migrations" else f"alembic_version_{service}_{history}"


def config_of(service: str, history: str = "migrations") -> Config:
    """Alembic's configuration for a service's history."""
    config = Config()
    config.set_main_option("script_location", str(_directory(service, history)).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["version_table"] = version_table(service, history)
    return config


@cache
def _history(directory: Path) -> ScriptDirectory:
    # Alembic runs the module of each migration to read a history; a process reads it once.
    return ScriptDirectory(str(directory))


def _upgrade(connection: SyncConnection, config: Config, revision: str) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    connection.commit()


def _differences(connection: SyncConnection, metadata: MetaData) -> list[str]:
    def counts(item: Any, _name: str | None, kind: str, reflected: bool, _other: Any) -> bool:
        return not (kind == "table" and reflected and item.name not in metadata.tables)

    migration = MigrationContext.configure(connection, opts={"include_object": counts, "compare_type": True})
    return [str(difference) for difference in compare_metadata(migration, metadata)]


def _directory(service: str, history: str) -> Path:
    return _ROOT / "services" / service / history


def _lock_number(service: str, history: str) -> int:
    digest = hashlib.blake2b(f"migrations:{service}:{history}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
