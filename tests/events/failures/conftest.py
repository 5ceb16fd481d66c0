"""Fixtures of the failure table: servers that may be broken, one of each a session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.events.failures.servers import BreakableKafka, BreakablePostgres, GuardedKafka


@pytest.fixture(scope="session")
def breakable_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BreakableKafka]:
    """A Kafka of this session's own; it runs when a test gets it, and must when the test ends."""
    server = BreakableKafka(tmp_path_factory.mktemp("breakable-kafka"))
    asyncio.run(server.start())
    yield server
    server.close()


@pytest.fixture(scope="session")
def breakable_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BreakablePostgres]:
    """A PostgreSQL of this session's own; it runs when a test gets it, and must when the test ends."""
    server = BreakablePostgres(tmp_path_factory.mktemp("breakable-postgres"))
    asyncio.run(server.start())
    yield server
    server.close()


@pytest.fixture(scope="session")
def guarded_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedKafka]:
    """A Kafka with access control."""
    server = GuardedKafka(tmp_path_factory.mktemp("guarded-kafka"))
    asyncio.run(server.start())
    yield server
    server.close()
