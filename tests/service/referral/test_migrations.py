"""The migrated database is what the code believes it to be."""

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

import services.referral.audit.tables
import services.referral.bulk_answers.tables
import services.referral.certificates.tables
import services.referral.clocks.tables
import services.referral.intake.tables
import services.referral.journeys.tables.journeys
import services.referral.journeys.tables.stays
import services.referral.notes.tables
import services.referral.ownership.tables
import services.referral.places.tables
import services.referral.providers.tables
import services.referral.reviews.tables
import services.referral.searches.tables
import services.referral.waitlists.tables  # noqa: F401
from libs.chassis.migrations import differences
from services.referral.database import Table

QUERY = """
    SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = ANY ($1) ORDER BY 1, 2
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text AS table_name, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid::regclass::text = ANY ($1) AND contype IN ('c', 'u', 'f') ORDER BY 1, 2
"""
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY ($1) ORDER BY 1"


@pytest.fixture
def database_url(migrated):
    return migrated("referral")


async def test_alembic_sees_no_difference_to_the_tables_in_code(database_url):
    assert await differences(database_url, Table.metadata) == []


@pytest.mark.parametrize("query", [QUERY, CONSTRAINTS, INDEXES], ids=["columns", "constraints", "indexes"])
async def test_columns_checks_and_indexes_are_those_of_the_tables_in_code(query, database_url, postgres_server):
    """Alembic compares neither conditions of checks nor those of partial indexes."""
    made_url = postgres_server.new_database("metadata")
    await _create_all(made_url)
    tables = sorted(Table.metadata.tables)
    migrated, made = await asyncpg.connect(database_url), await asyncpg.connect(made_url)
    try:
        rows = [[tuple(row) for row in await connection.fetch(query, tables)] for connection in (migrated, made)]
    finally:
        await migrated.close()
        await made.close()
    assert rows[0] == rows[1]
    assert rows[0]


async def _create_all(url):
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.create_all)
    await engine.dispose()


async def test_the_record_of_steps_is_only_ever_added_to(database_url):
    connection = await asyncpg.connect(database_url)
    try:
        for statement in ("UPDATE step SET actor = 'x'", "DELETE FROM step"):
            with pytest.raises(asyncpg.RestrictViolationError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_pool_never_holds_and_takes_more_than_its_maximum_whatever_writes(database_url):
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            """INSERT INTO pool (pool_id, provider_service_id, kind, maximum, ceiling, available, as_of, held, taken,
                taken_uncounted, closed, listed, freed_count)
            VALUES (gen_random_uuid(), gen_random_uuid(), 'beds', 2, 2, 2, now(), 1, 1, 0, false, true, 0)"""
        )
        for statement in ("UPDATE pool SET held = held + 1", "UPDATE pool SET maximum = 5"):
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(statement)
    finally:
        await connection.close()
