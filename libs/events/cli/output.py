"""Running a command and showing its result.

Exit codes: 0 done, 1 refused, a fault was found, or a server is unavailable, 2 wrong usage. Each error is a line on
standard error.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar

import asyncpg
import typer
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.table import Table

from libs.events.audit import RefusedError
from libs.events.cluster import Cluster
from libs.events.operating.logs import Logs, reading
from libs.events.postgres import Connection, plain_dsn
from libs.events.topics import TopicsError

T = TypeVar("T")

CONNECT_SECONDS = 10.0


def finish(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`. A refusal or an unavailable server ends the command with one line and exit code 1."""
    try:
        return asyncio.run(work)
    except TopicsError as error:
        raise ended(error.faults) from None
    except RefusedError as error:
        raise ended([str(error)]) from None
    except KafkaError as error:
        raise ended([f"Kafka can't be asked: {type(error).__name__}"]) from None
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
        raise ended(["the database lacks tables of the event bus: run the service's migrations"]) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise ended([f"PostgreSQL can't be asked: {type(error).__name__}"]) from None
    except (OSError, TimeoutError) as error:
        raise ended([f"a server can't be reached: {type(error).__name__}"]) from None


def with_database(database: str, work: Callable[[Connection], Awaitable[T]]) -> T:
    """The result of `work` with a connection to the database of a service."""

    async def run() -> T:
        connection = await asyncpg.connect(plain_dsn(database), timeout=CONNECT_SECONDS)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return finish(run())


def with_both(database: str, bootstrap_servers: Cluster, work: Callable[[Connection, Logs], Awaitable[T]]) -> T:
    """The result of `work` with a connection to the database of a service, and with the logs."""

    async def ask(connection: Connection) -> T:
        async with reading(bootstrap_servers) as logs:
            return await work(connection, logs)

    return with_database(database, ask)


def ended(lines: Iterable[str], *, code: int = 1) -> typer.Exit:
    """Print the faults; returns the exception with which the command ends."""
    for line in lines:
        typer.echo(line, err=True)
    return typer.Exit(code)


def show(rows: Iterable[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print rows as a table, or as one JSON object per line."""
    given = [dict(row) for row in rows]
    if as_json:
        for row in given:
            typer.echo(json.dumps(row, default=str))
        return
    if not given:
        typer.echo("nothing")
        return
    table = Table()
    for name in given[0]:
        table.add_column(name, overflow="fold")  # a truncated id cannot be used
    for row in given:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table)


def done(text: str, *, as_json: bool, **fields: Any) -> None:
    """Print what was done: a sentence for people, or the fields for programs."""
    typer.echo(json.dumps(fields, default=str) if as_json else text)
