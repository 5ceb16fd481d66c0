import asyncpg
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from libs.chassis.migrations import differences
from services.provider_directory.capacity import tables as capacity  # noqa: F401
from services.provider_directory.database import TABLES
from services.provider_directory.listings import tables as listings  # noqa: F401
from services.provider_directory.organizations import tables as organizations  # noqa: F401


async def test_a_migrated_database_is_what_the_tables_say(migrated):
    assert await differences(migrated("provider_directory"), TABLES.metadata) == []


async def test_constraints_and_indexes_are_those_of_the_tables_too(migrated, postgres_server):
    made = postgres_server.new_database("from_metadata")
    engine = create_async_engine(make_url(made).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as connection:
        await connection.run_sync(TABLES.metadata.create_all)
    await engine.dispose()
    assert await _rules(migrated("provider_directory")) == await _rules(made)


async def test_declarations_cannot_be_changed_or_removed(migrated):
    connection = await asyncpg.connect(migrated("provider_directory"))
    try:
        for statement in (
            "UPDATE capacity_declaration SET version = 2",
            "DELETE FROM capacity_declaration",
            "TRUNCATE capacity_declaration CASCADE",
        ):
            with pytest.raises(asyncpg.RestrictViolationError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def _rules(url):
    """Checks, keys and indexes of this service's own tables, as PostgreSQL words them; names of plain keys left out."""
    connection = await asyncpg.connect(url)
    try:
        own = list(TABLES.metadata.tables)
        constraints = await connection.fetch(
            "SELECT conrelid::regclass::text, pg_get_constraintdef(oid),"
            " CASE WHEN contype IN ('c', 'u') THEN conname END"
            " FROM pg_constraint WHERE conrelid::regclass::text = ANY($1)",
            own,
        )
        indexes = await connection.fetch("SELECT indexdef FROM pg_indexes WHERE tablename = ANY($1)", own)
    finally:
        await connection.close()
    return {tuple(row) for row in constraints}, {row["indexdef"] for row in indexes}
