"""The commands for operators: `python -m libs.events --help`.

Addresses come from options or the environment: `--database` (`EVENTS_DATABASE_URL`) is the database of one service,
`--bootstrap-servers` (`KAFKA_BOOTSTRAP_SERVERS`) are the brokers. `--json` prints one line per object for programs.
Every change needs a `--reason`, which is recorded together with the `--operator`. Exit codes: 0 done, 1 refused or a
fault was found, 2 wrong usage.
"""

from datetime import datetime
from typing import Annotated

import typer

from libs.events.audit import notes
from libs.events.cli.acls import acls
from libs.events.cli.options import AsJson, Brokers, Database, moment
from libs.events.cli.output import show, with_database
from libs.events.cli.parked import parked
from libs.events.cli.position import position
from libs.events.cli.publishing import outbox, relay, republish_archived
from libs.events.cli.replay import replay
from libs.events.cli.seals import seals
from libs.events.cli.signing_key import signing_key
from libs.events.cli.topics import catalogue, topics
from libs.events.cli.users import users
from libs.events.lag import lag_of

cli = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
cli.add_typer(topics, name="topics")
cli.add_typer(acls, name="acls")
cli.add_typer(users, name="users")
cli.add_typer(parked, name="parked")
cli.add_typer(position, name="position")
cli.add_typer(relay, name="relay")
cli.add_typer(signing_key, name="signing-key")
cli.command()(outbox)
cli.command("republish")(republish_archived)
cli.command()(replay)
cli.command()(seals)
cli.command()(catalogue)


@cli.command()
def lag(database: Database, bootstrap_servers: Brokers, as_json: AsJson = False) -> None:
    """Compare the consumer's positions with the ends of the logs; seconds: age of the next record."""
    found = with_database(database, lambda connection: lag_of(connection, bootstrap_servers))
    rows = [
        {"group": one.group, "topic": one.topic, "partition": one.partition, "position": one.position,
         "end": one.end, "lag": one.records, "seconds": None if one.seconds is None else round(one.seconds, 1)}
        for one in found
    ]  # fmt: skip
    show(rows, as_json=as_json)


@cli.command()
def audit(
    database: Database,
    since: Annotated[
        datetime | None, typer.Option(parser=moment, metavar="TIME", help="Only from this time on.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List every change by an operator, newest first: time, operator, action, reason and affected objects."""
    found = with_database(database, lambda connection: notes(connection, since=since))
    rows = [
        {"id": one.id, "at": one.at, "operator": one.operator, "action": one.action, "reason": one.reason,
         "subject": dict(one.subject)}
        for one in found
    ]  # fmt: skip
    show(rows, as_json=as_json)
