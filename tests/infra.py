"""The real PostgreSQL and Kafka that tests run on: named by the environment, embedded, or containers.

`ENLACE_TEST_POSTGRES_URL` and `KAFKA_BOOTSTRAP_SERVERS` name servers that run already (`python -m deploy.local.infra
up` prints both). `ENLACE_TEST_INFRA=testcontainers` asks for containers. Else both are embedded and
end with the tests.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from deploy.local.infra import KAFKA_VARIABLE, POSTGRES_VARIABLE, start_kafka, start_postgres
from deploy.local.processes import Family
from libs.chassis.logins import grant
from libs.chassis.migrations import upgrade

T = TypeVar("T")
WITH_CONTAINERS = os.environ.get("ENLACE_TEST_INFRA") == "testcontainers"
PREFIX = "enlace_test"


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a loop of its own, also where the caller's thread has one that runs."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(asyncio.run(work))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


SERVICE_LOGIN = "enlace_test_service"
"""What the services run under in tests: it owns nothing, as in an installation. Tests themselves look as superuser."""
_SERVICE_PASSWORD = "of-a-service-under-test"  # pragma: allowlist secret
_MAKE_SERVICE_LOGIN = f"""
DO $$ BEGIN
    CREATE ROLE {SERVICE_LOGIN} LOGIN PASSWORD '{_SERVICE_PASSWORD}';
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$ BEGIN
    CREATE ROLE {SERVICE_LOGIN}_restricted NOLOGIN;
    GRANT {SERVICE_LOGIN}_restricted TO {SERVICE_LOGIN} WITH INHERIT FALSE, SET TRUE;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$
"""


def for_service(url: str) -> str:
    """The same database under the login that a service runs under."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{SERVICE_LOGIN}:{_SERVICE_PASSWORD}@{place}"))


def with_database(url: str, database: str) -> str:
    """The same server and login, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


class PostgresForTests:
    """Databases of this test session on one server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._made: list[str] = []
        self._templates: dict[str, str] = {}

    def new_database(self, name: str = "scratch", *, template: str | None = None) -> str:
        """A new database whose name contains `name`, empty or a copy of `template`; returns its URL."""
        database = f"{PREFIX}_{os.getpid()}_{len(self._made)}_{name}"
        # As files, because a copy through the log stays in the buffers, and its drop has to look for it there.
        copied = f' template "{template}" strategy file_copy' if template else ""
        self.execute(f'create database "{database}"{copied}')
        self._made.append(database)
        return with_database(self.url, database)

    def migrated(self, service: str, history: str = "migrations") -> str:
        """A new database with the migrations of this service, copied from one that is migrated once a session."""
        name = service if history == "migrations" else f"{service}_{history}"
        if name not in self._templates:
            url = self.new_database(f"{name}_template")
            upgrade(service, url, history=history)
            self.give_service_its_rights(url)
            self._templates[name] = urlsplit(url).path[1:]
        return self.new_database(name, template=self._templates[name])

    @contextmanager
    def lending(self) -> Iterator[Callable[..., str]]:
        """`migrated`, for databases that are dropped at the end, whoever is still connected."""
        lent: list[str] = []

        def lend(service: str, history: str = "migrations") -> str:
            lent.append(self.migrated(service, history))
            return lent[-1]

        try:
            yield lend
        finally:
            for url in lent:
                self.drop(url)

    def drop(self, url: str) -> None:
        """Drop the database at `url`, whoever is still connected."""
        self._drop(urlsplit(url).path[1:])

    def give_service_its_rights(self, url: str) -> None:
        """What `migrate` does behind a migration, for the login of `for_service`."""
        self.execute(_MAKE_SERVICE_LOGIN)
        apart(grant(url, SERVICE_LOGIN))

    def execute(self, statement: str) -> None:
        """Run one statement as superuser, outside of a transaction."""

        async def run() -> None:
            connection = await asyncpg.connect(self.url)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        apart(run())

    def drop_all(self) -> None:
        """Drop what was made, whoever is still connected."""
        for database in reversed(self._made):
            self._drop(database)
        self._made.clear()
        self._templates.clear()

    def _drop(self, database: str) -> None:
        self.execute(f'drop database if exists "{database}" with (force)')


@contextmanager
def postgres_for_tests(directory: Path) -> Iterator[PostgresForTests]:
    """The server that the environment names, else one in a container or below `directory`."""
    with ExitStack() as stack:
        if url := os.environ.get(POSTGRES_VARIABLE):
            pass
        elif WITH_CONTAINERS:
            from tests.containers import postgres_container

            url = stack.enter_context(postgres_container())
        else:
            family = stack.enter_context(_family())
            # In this thread: a child's life hangs on the thread that started it.
            url = asyncio.run(start_postgres(directory, family=family)).url()
        server_for_tests = PostgresForTests(url)
        if POSTGRES_VARIABLE in os.environ:
            # Every drop costs a checkpoint; a server that ends with the session takes its databases with it.
            stack.callback(server_for_tests.drop_all)
        yield server_for_tests


@contextmanager
def kafka_for_tests(directory: Path) -> Iterator[str]:
    """Bootstrap servers: those the environment names, else a node in a container or below `directory`."""
    with ExitStack() as stack:
        if bootstrap := os.environ.get(KAFKA_VARIABLE):
            yield bootstrap
        elif WITH_CONTAINERS:
            from tests.containers import kafka_container

            yield stack.enter_context(kafka_container())
        else:
            family = stack.enter_context(_family())
            yield asyncio.run(start_kafka(directory, family=family)).bootstrap_servers


@contextmanager
def _family() -> Iterator[Family]:
    family = Family()
    try:
        yield family
    finally:
        family.close()
