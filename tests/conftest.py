"""What all tests share: one PostgreSQL, one Kafka and one token issuer a session, started when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests import served
from tests.infra import PostgresForTests, kafka_for_tests, postgres_for_tests
from tests.served import IssuerForTests


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """How parallel workers share the tests: whole systems first and all by one worker, the others file by file."""
    for item in items:
        whole_system = item.get_closest_marker("journey") is not None
        item.add_marker(pytest.mark.xdist_group("whole-systems" if whole_system else item.nodeid.split("::")[0]))
    items.sort(key=lambda item: item.get_closest_marker("journey") is None)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresForTests]:
    """A real PostgreSQL; `new_database(name)` gives the URL of an empty database."""
    with postgres_for_tests(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of a real Apache Kafka; topics are not created by themselves."""
    with kafka_for_tests(tmp_path_factory.mktemp("kafka")) as bootstrap:
        yield bootstrap


@pytest.fixture(scope="session")
def migrated(postgres_server: PostgresForTests) -> Callable[..., str]:
    """`migrated("referral")` gives the URL of a fresh database with that service's migrations (or another history)."""
    return postgres_server.migrated


@pytest.fixture(scope="session")
def issuer() -> Iterator[IssuerForTests]:
    """A token issuer: `url`, `jwks_url`, `token(scopes, organization_id=..., client_id=...)`."""
    with served.issuer_for_tests() as running_issuer:
        yield running_issuer


@pytest.fixture(scope="session")
def running() -> Callable[..., object]:
    """`async with running(app) as client`: the app on a real port, lifespan included."""
    return served.running
