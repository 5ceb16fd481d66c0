"""Options that commands share."""

import getpass
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from libs.events.audit import Hand
from libs.events.cluster import Cluster, ClusterError
from libs.wire.database_lines import check_line
from libs.wire.secret_file import read_secret

DATABASE_VARIABLE: Final = "EVENTS_DATABASE_URL"


def _not_empty(text: str | None) -> str | None:
    if text is not None and not text.strip():
        raise typer.BadParameter("it may not be empty")
    return text


def moment(text: str) -> datetime:
    """A time with its time zone; without one it is in UTC."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a time such as 2026-11-01T10:00:00Z") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def cluster(servers: str) -> Cluster:
    """The brokers, with the settings of the connection from the environment (`KAFKA_SECURITY_PROTOCOL` and others)."""
    try:
        return Cluster.from_environment(servers, os.environ)
    except ClusterError as error:
        raise typer.BadParameter(str(error)) from None


def database(url: str) -> str:
    """The URL of a service's database, if nobody can read the connection on the network; the service has the same
    rule."""
    try:
        check_line(url, tls=os.environ.get("ENLACE_DATABASE_TLS", "required"))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return url


def database_of_file() -> str:
    """The address from the file that `EVENTS_DATABASE_URL_FILE` names, if neither the option nor the variable is
    given."""
    file = os.environ.get(f"{DATABASE_VARIABLE}_FILE")
    if not file:
        raise typer.BadParameter(f"give it, {DATABASE_VARIABLE} or {DATABASE_VARIABLE}_FILE", param_hint="--database")
    try:
        return read_secret(Path(file))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=f"{DATABASE_VARIABLE}_FILE") from None


def login_name() -> str:
    """The user of the operating system who runs this command; empty if there is no user name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def hand(operator: str, reason: str | None) -> Hand:
    """The operator and the reason. Wrong usage if one of them is missing."""
    if reason is None:
        raise typer.BadParameter("a change by an operator needs a reason", param_hint="--reason")
    if not operator:
        raise typer.BadParameter("the name of the operator is missing", param_hint="--operator")
    return Hand(operator, reason)


Database = Annotated[
    str,
    typer.Option(
        "--database",
        envvar=DATABASE_VARIABLE,
        default_factory=database_of_file,
        callback=database,
        help=f"One service's database; or {DATABASE_VARIABLE}_FILE.",
        metavar="URL",
    ),
]
Brokers = Annotated[
    Cluster,
    typer.Option(
        "--bootstrap-servers", envvar="KAFKA_BOOTSTRAP_SERVERS", parser=cluster, metavar="TEXT", help="The brokers."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
Reason = Annotated[
    str, typer.Option("--reason", callback=_not_empty, help="The reason; stored with the change. Do not name a person.")
]
ReasonUnlessDry = Annotated[
    str | None, typer.Option("--reason", callback=_not_empty, help="The reason; required unless it is a dry run.")
]
Operator = Annotated[
    str,
    typer.Option(
        "--operator", default_factory=login_name, callback=_not_empty, help="The person who makes the change."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done; change nothing.")]
