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
    """A time with its offset; without one it is UTC."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a time such as 2026-11-01T10:00:00Z") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def cluster(servers: str) -> Cluster:
    """The brokers, reached as the environment says (`KAFKA_SECURITY_PROTOCOL` and its company)."""
    try:
        return Cluster.from_environment(servers, os.environ)
    except ClusterError as error:
        raise typer.BadParameter(str(error)) from None


def database(url: str) -> str:
    """A service's database, over a line that nobody can read along, as the service itself asks for it."""
    try:
        check_line(url, tls=os.environ.get("ENLACE_DATABASE_TLS", "required"))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return url


def database_of_file() -> str:
    """The address in the file that `EVENTS_DATABASE_URL_FILE` names, where neither option nor variable tells it."""
    file = os.environ.get(f"{DATABASE_VARIABLE}_FILE")
    if not file:
        raise typer.BadParameter(f"give it, {DATABASE_VARIABLE} or {DATABASE_VARIABLE}_FILE", param_hint="--database")
    try:
        return read_secret(Path(file))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=f"{DATABASE_VARIABLE}_FILE") from None


def login_name() -> str:
    """Who runs this command, as the operating system knows; empty where it knows nobody."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def hand(operator: str, reason: str | None) -> Hand:
    """Who and why; wrong usage where the reason or the name is missing."""
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
