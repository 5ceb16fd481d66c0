"""The migrated database is what the code believes it to be."""

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

import services.notifications.deliveries.tables
import services.notifications.endpoints.tables
import services.notifications.inbox.tables  # noqa: F401
from libs.chassis.migrations import differences
from services.notifications.database import NotificationsTable

QUERY = """
    SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = ANY ($1) ORDER BY 1, 2
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text AS table_name, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid::regclass::text = ANY ($1) AND contype IN ('c', 'u', 'f') ORDER BY 1, 2
"""
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY ($1) ORDER BY 1"


async def test_alembic_sees_no_difference_to_the_tables_in_code(database_url):
    assert await differences(database_url, NotificationsTable.metadata) == []


@pytest.mark.parametrize("query", [QUERY, CONSTRAINTS, INDEXES], ids=["columns", "constraints", "indexes"])
async def test_columns_checks_and_indexes_are_those_of_the_tables_in_code(query, database_url, postgres_server):
    """Alembic compares neither conditions of checks nor those of partial indexes."""
    made_url = postgres_server.new_database("metadata")
    await _create_all(made_url)
    tables = sorted(NotificationsTable.metadata.tables)
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
        await connection.run_sync(NotificationsTable.metadata.create_all)
    await engine.dispose()
