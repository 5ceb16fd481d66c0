"""The operators' hands: `python -m libs.events --help`.

Addresses come from options or the environment: `--database` (`EVENTS_DATABASE_URL`) is one service's database,
`--bootstrap-servers` (`KAFKA_BOOTSTRAP_SERVERS`) the brokers. `--json` prints lines for programs.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar

import asyncpg
import typer
from rich.console import Console
from rich.table import Table

from libs.events import unparking
from libs.events.lag import lag_of
from libs.events.leadership import Connection
from libs.events.postgres import plain_dsn
from libs.events.topics import TOPICS, TopicsError, check_topics, ensure_topics

T = TypeVar("T")

cli = typer.Typer(help=__doc__, no_args_is_help=True)
topics = typer.Typer(help="The topics of Enlace.", no_args_is_help=True)
parked = typer.Typer(help="Events that wait for a person.", no_args_is_help=True)
cli.add_typer(topics, name="topics")
cli.add_typer(parked, name="parked")

Database = Annotated[str, typer.Option("--database", envvar="EVENTS_DATABASE_URL", help="One service's database.")]
Brokers = Annotated[str, typer.Option("--bootstrap-servers", envvar="KAFKA_BOOTSTRAP_SERVERS", help="The brokers.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the change.")]


@topics.command()
def ensure(bootstrap_servers: Brokers) -> None:
    """Create topics that are missing and check those that are there."""
    try:
        asyncio.run(ensure_topics(bootstrap_servers))
    except TopicsError as error:
        raise _end(error.faults) from None
    typer.echo(f"{len(TOPICS)} topics are as declared")


@topics.command()
def check(bootstrap_servers: Brokers) -> None:
    """Tell what is wrong with the topics; exit 1 if anything is."""
    faults = asyncio.run(check_topics(bootstrap_servers))
    if faults:
        raise _end(faults)
    typer.echo(f"{len(TOPICS)} topics are as declared")


@cli.command()
def lag(database: Database, bootstrap_servers: Brokers, as_json: AsJson = False) -> None:
    """Positions of this service's consumer against the ends of the logs."""
    found = _with(database, lambda connection: lag_of(connection, bootstrap_servers))
    rows = [
        {"group": one.group, "topic": one.topic, "partition": one.partition, "position": one.position,
         "end": one.end, "lag": one.records}
        for one in found
    ]  # fmt: skip
    _show(rows, as_json=as_json)


@cli.command()
def outbox(database: Database, as_json: AsJson = False) -> None:
    """Events that Kafka hasn't acknowledged, by topic, and what it refuses."""
    _show(
        _with(
            database,
            lambda connection: connection.fetch(
                "SELECT topic, count(*) AS pending, min(created_at) AS oldest, count(failed_at) AS refused,"
                " min(failure) AS failure FROM outbox GROUP BY topic ORDER BY topic"
            ),
        ),
        as_json=as_json,
    )


@parked.command("list")
def list_parked(database: Database, as_json: AsJson = False) -> None:
    """Keys whose events wait, and why the first of them does."""
    rows = [
        {"group": key.group, "topic": key.topic, "key": _text(key.key), "since": key.since, "events": key.count,
         "first": key.first_id, "reason": key.reason, "error": key.error, "retry_wanted": key.retry_wanted_at}
        for key in _with(database, unparking.parked_keys)
    ]  # fmt: skip
    _show(rows, as_json=as_json)


@parked.command()
def show(parked_id: int, database: Database, as_json: AsJson = False) -> None:
    """One parked event, with its attributes; what is sealed stays so."""
    event = _with(database, lambda connection: unparking.parked_event(connection, parked_id))
    row = {name: getattr(event, name) for name in event.__slots__ if name not in ("content", "key")}
    row["key"] = _text(event.key)
    row["content"] = "sealed" if event.content is None else event.content.value.decode("utf-8", "replace")
    _show([row] if as_json else [{"field": name, "value": value} for name, value in row.items()], as_json=as_json)


@parked.command()
def retry(parked_id: int, reason: Reason, database: Database) -> None:
    """Let the consumer handle again, in order, the key to which this parked event belongs."""

    async def ask(connection: Connection) -> None:
        event = await unparking.parked_event(connection, parked_id)
        await unparking.ask_for_retry(connection, group=event.group, topic=event.topic, key=event.key, reason=reason)

    _with(database, ask)
    typer.echo("asked for; the service's consumer does it")


@parked.command()
def discard(parked_id: int, reason: Reason, database: Database) -> None:
    """Give one parked event up for good."""
    _with(database, lambda connection: unparking.discard(connection, parked_id, reason=reason))
    typer.echo("discarded")


def _with(database: str, work: Callable[[Connection], Awaitable[T]]) -> T:
    async def run() -> T:
        connection = await asyncpg.connect(plain_dsn(database))
        try:
            return await work(connection)
        finally:
            await connection.close()

    try:
        return asyncio.run(run())
    except (unparking.NothingParkedError, unparking.ReasonMissingError) as error:
        raise _end([str(error)]) from None


def _end(lines: Iterable[str]) -> typer.Exit:
    for line in lines:
        typer.echo(line, err=True)
    return typer.Exit(1)


def _show(rows: Iterable[Mapping[str, Any]], *, as_json: bool) -> None:
    given = [dict(row) for row in rows]
    if as_json:
        for row in given:
            typer.echo(json.dumps(row, default=str))
        return
    table = Table(*(given[0] if given else ("nothing",)))
    for row in given:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table)


def _text(key: bytes) -> str:
    """A key as it reads, or in hexadecimal where it is a digest."""
    try:
        text = key.decode()
    except UnicodeDecodeError:
        return key.hex()
    return text if text.isprintable() else key.hex()


if __name__ == "__main__":
    cli()
