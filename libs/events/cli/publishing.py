"""`outbox`, `relay show | hold | release`, `republish`: the events that a service publishes."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from libs.events.cli.options import AsJson, Database, DryRun, Operator, Reason, ReasonUnlessDry, hand, moment
from libs.events.cli.output import done, show, with_database
from libs.events.operating.holding import held, hold, release
from libs.events.operating.republishing import Selection, count, republish
from libs.events.postgres import Connection

relay = typer.Typer(help="The relay of one service.", no_args_is_help=True)

_OUTBOX = """
    SELECT topic, count(*) AS pending, min(created_at) AS oldest, count(failed_at) AS refused, min(failure) AS failure
    FROM outbox GROUP BY topic ORDER BY topic
"""


def outbox(database: Database, as_json: AsJson = False) -> None:
    """Show events that Kafka has not acknowledged, by topic, and those that it refuses."""
    show(with_database(database, lambda connection: connection.fetch(_OUTBOX)), as_json=as_json)


@relay.command("show")
def show_relay(database: Database, as_json: AsJson = False) -> None:
    """Show which relay is the leader, since when, and whether an operator holds it."""

    async def look(connection: Connection) -> list[dict[str, object]]:
        row = await connection.fetchrow("SELECT owner, since, epoch FROM outbox_leader")
        found = await held(connection)
        return [dict(row or {}) | {"held_since": found and found.since, "held_by": found and found.by}]

    show(with_database(database, look), as_json=as_json)


@relay.command("hold")
def hold_relay(database: Database, reason: Reason, operator: Operator, as_json: AsJson = False) -> None:
    """Stop publishing until the relay is released; returns when nothing is being sent any more."""
    by = hand(operator, reason)
    with_database(database, lambda connection: hold(connection, by))
    done("held: nothing is published until it is released", as_json=as_json, held=True)


@relay.command("release")
def release_relay(database: Database, reason: Reason, operator: Operator, as_json: AsJson = False) -> None:
    """Release the relay: it publishes again."""
    by = hand(operator, reason)
    with_database(database, lambda connection: release(connection, by))
    done("released", as_json=as_json, held=False)


def republish_archived(
    database: Database,
    since: Annotated[
        datetime,
        typer.Option(parser=moment, metavar="TIME", help="Only events acknowledged by Kafka from this time on."),
    ],
    operator: Operator,
    until: Annotated[
        datetime | None, typer.Option(parser=moment, metavar="TIME", help="Only events acknowledged before this time.")
    ] = None,
    topic: Annotated[str | None, typer.Option("--topic", help="Only this topic.")] = None,
    key: Annotated[str | None, typer.Option("--key", help="Only this key.")] = None,
    dry_run: DryRun = False,
    reason: ReasonUnlessDry = None,
    as_json: AsJson = False,
) -> None:
    """Publish archived events again, in their order and before unsent ones; consumers discard duplicates."""
    selection = Selection(since, until, topic, key)
    if dry_run:
        show(map(asdict, with_database(database, lambda one: count(one, selection))), as_json=as_json)
        return
    by = hand(operator, reason)
    events = with_database(database, lambda connection: republish(connection, selection, by))
    done(f"{events} events are in the outbox again", as_json=as_json, events=events)
