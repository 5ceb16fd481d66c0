"""`parked list | find | show | retry | discard`: events that wait for an operator."""

from typing import Annotated

import typer

from libs.events.audit import Hand
from libs.events.cli.loading import DigestOf, digest_of
from libs.events.cli.options import AsJson, Database, Operator, Reason, hand
from libs.events.cli.output import done, show, with_database
from libs.events.operating import unparking
from libs.events.postgres import Connection

parked = typer.Typer(help="Parked events, which wait for an operator.", no_args_is_help=True)


@parked.command("list")
def list_parked(database: Database, as_json: AsJson = False) -> None:
    """List parked keys, and why the first event of each is parked. Keys of arrivals are shown as digests."""
    rows = [
        {"group": key.group, "topic": key.topic, "key": _text(key.key), "since": key.since, "events": key.count,
         "first": key.first_id, "reason": key.reason, "error": key.error, "retry_wanted": key.retry_wanted_at}
        for key in with_database(database, unparking.parked_keys)
    ]  # fmt: skip
    show(rows, as_json=as_json)


@parked.command("find")
def find_parked(event_id: str, database: Database, digest: DigestOf = None, as_json: AsJson = False) -> None:
    """Find parked events by the CloudEvents id of their sender. Ids of arrivals are digests: use `--digest`."""
    keyed = digest_of(digest)
    found = with_database(database, lambda connection: unparking.events_by_id(connection, event_id, digest=keyed))
    rows = [
        {"id": one.id, "group": one.group, "topic": one.topic, "partition": one.partition, "offset": one.offset,
         "type": one.event_type, "source": one.source, "reason": one.reason, "parked_at": one.parked_at}
        for one in found
    ]  # fmt: skip
    show(rows, as_json=as_json)


@parked.command("show")
def show_parked(parked_id: int, database: Database, as_json: AsJson = False) -> None:
    """Show one parked event with its attributes; encrypted data stay encrypted."""
    event = with_database(database, lambda connection: unparking.parked_event(connection, parked_id))
    row = {name: getattr(event, name) for name in event.__slots__ if name not in ("content", "key")}
    row["key"] = _text(event.key)
    row["content"] = "sealed" if event.content is None else (event.content.value or b"").decode("utf-8", "replace")
    show([row] if as_json else [{"field": name, "value": value} for name, value in row.items()], as_json=as_json)


@parked.command()
def retry(
    database: Database,
    reason: Reason,
    operator: Operator,
    parked_id: Annotated[int | None, typer.Argument(help="The number of a parked event of the key.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every parked key.")] = False,
    topic: Annotated[str | None, typer.Option("--topic", help="With --all: only keys of this topic.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let the consumer process the events of this event's key again, in order, or those of every key."""
    if (parked_id is None) != everything:
        raise typer.BadParameter("give the number of a parked event, or --all")
    by = hand(operator, reason)

    async def ask(connection: Connection) -> int:
        if parked_id is None:
            return await unparking.ask_for_retries(connection, topic=topic, by=by)
        return await _ask_for_one(connection, parked_id, by)

    keys = with_database(database, ask)
    done(f"number of keys to retry: {keys}; the service's consumer retries them", as_json=as_json, keys=keys)


async def _ask_for_one(connection: Connection, parked_id: int, by: Hand) -> int:
    event = await unparking.parked_event(connection, parked_id)
    await unparking.ask_for_retry(connection, group=event.group, topic=event.topic, key=event.key, by=by)
    return 1


@parked.command()
def discard(parked_id: int, database: Database, reason: Reason, operator: Operator, as_json: AsJson = False) -> None:
    """Discard one parked event permanently; the events after it wait for a retry."""
    by = hand(operator, reason)
    with_database(database, lambda connection: unparking.discard(connection, parked_id, by=by))
    done("discarded", as_json=as_json, discarded=parked_id)


def _text(key: bytes) -> str:
    """A key as text, or in hexadecimal digits if it is a digest."""
    try:
        text = key.decode()
    except UnicodeDecodeError:
        return key.hex()
    return text if text.isprintable() else key.hex()
