"""What all tests share: one PostgreSQL, one Kafka and one token issuer a session, started when first asked for."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from hypothesis import settings

from libs.chassis.http_settings import UNLIMITED
from tests import long_runs, memory, served
from tests.infra import PostgresForTests, kafka_for_tests, postgres_for_tests
from tests.served import IssuerForTests
from tests.sharing_out import BySystem

# What is collected and imported stays; see `services/__init__.py`.
gc.set_threshold(50_000, 20, 50)
memory.use_for_directories_of_tests()

# Of a broker that is killed on purpose clients say so ten times a second: what a failing test says would drown in it.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

# Machines are shared and noisy: no test fails by the time that an example takes.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")


def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores, because tests wait for servers; as many as fit where there is little memory."""
    room = psutil.virtual_memory().available // memory.OF_A_WORKER
    return max(1, min((os.cpu_count() or 1) + 2, room))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> BySystem | None:
    """With `--dist loadfile`, files that share one system go to one worker."""
    return BySystem(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """What is imported by now stays: Python's collector no longer goes through it, as in a service (`serve`)."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is long, before pytest's own plugin chooses by marks.

    Files with whole systems first: they take longest, and parallel workers share the tests file by file.
    """
    long_runs.mark(config, items)
    whole = {item.path for item in items if item.get_closest_marker("journey") is not None}
    items.sort(key=lambda item: item.path not in whole)


# Kafka is on this machine here, and spoken to in clear; processes that tests start inherit it.
os.environ["KAFKA_PLAINTEXT_ALLOWED"] = "loopback"
# All tests call from one address, and those that guess guess a lot; limits have tests of their own.
os.environ.update(UNLIMITED)
# Tests read what a service says of itself; that it says so only where it is told to has a test of its own.
os.environ["ENLACE_API_DOCS"] = "open"


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


@pytest.fixture
def migrated(postgres_server: PostgresForTests) -> Iterator[Callable[..., str]]:
    """`migrated("referral")` gives the URL of a fresh database with that service's migrations (or another history).

    It is dropped after the test: a run of all tests makes some hundreds.
    """
    with postgres_server.lending() as lend:
        yield lend


@pytest.fixture(scope="session")
def issuer() -> Iterator[IssuerForTests]:
    """A token issuer: `url`, `jwks_url`, `token(scopes, organization_id=..., client_id=...)`."""
    with served.issuer_for_tests() as running_issuer:
        yield running_issuer


@pytest.fixture(scope="session")
def running() -> Callable[..., object]:
    """`async with running(app) as client`: the app on a real port, lifespan included."""
    return served.running
