"""The commands of every service: `serve` and `migrate`.

The `cli.py` of a service creates its commands with `make_cli` and may add others:

    cli = make_cli("things", create_app)
    if __name__ == "__main__":
        cli()
"""

import asyncio
import gc
import getpass
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, TypeVar
from uuid import UUID

import typer
from fastapi import FastAPI
from pydantic import ValidationError
from rich.console import Console
from sqlalchemy.engine import make_url
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import Database
from libs.chassis.knowing import Known, write
from libs.chassis.logins import grant, owner_variable
from libs.chassis.logs import get_logger, setup_logs
from libs.chassis.migrations import upgrade
from libs.chassis.seal_keys import successor
from libs.chassis.sealed_log import Link, SealedLog
from libs.chassis.sealed_log_check import check, link_of
from libs.chassis.secret_files import secret_of_file
from libs.chassis.serving import Server, ServerConfig
from libs.chassis.settings import AuditSettings
from libs.wire.database_lines import check_line

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """Selects the record of access of one person, or of one caller."""

    returnee_id: UUID | None
    by: str | None
    since: datetime | None
    operator: str


Accesses = Callable[[AsyncSession, Asked], Awaitable[list[dict[str, object]]]]
log = get_logger(__name__, fields=("settings",))
_NEW_OBJECTS = 50_000
"""The number of new containers before a collection of the youngest generation; Python's default of 700 costs a tenth of
a batch's time."""


def add_serve(cli: typer.Typer, service: str, create_app: Callable[[], FastAPI]) -> None:
    """Give a process the command `serve`."""

    @cli.command()
    def serve(
        host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
        port: Annotated[int, typer.Option(help="Port to listen on", min=0, max=65535)] = 8000,
    ) -> None:
        """Run the service in the role ENLACE_ROLE until it gets SIGTERM or SIGINT."""
        setup_logs(service)
        try:
            app = create_app()
        except ValueError as error:
            log.error("settings.refused", settings=_refused_settings(error))
            raise typer.Exit(2) from None
        serve_app(app, host=host, port=port)


def make_cli(
    service: str, create_app: Callable[[], FastAPI], *, histories: Mapping[str, str] | None = None
) -> typer.Typer:
    """The commands of `service`.

    `histories` maps the variable of each database to its folder of migrations; without it
    `migrations` belongs to `ENLACE_<last word of the service>_DATABASE_URL`.
    """
    cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    variables = histories or {"migrations": f"ENLACE_{service.rsplit('_', 1)[-1].upper()}_DATABASE_URL"}

    add_serve(cli, service, create_app)

    @cli.command()
    def migrate() -> None:
        """Migrate the service's database to the newest version; safe to run repeatedly and in parallel.

        Runs under the login that owns the tables. From the service's own address only the name of the login is used, to
        grant it the rights that it needs.
        """
        setup_logs(service)
        for history, variable in variables.items():
            owner, login = _owner_and_login(variable)
            upgrade(service, owner, history=history)
            asyncio.run(grant(owner, login))
            log.info("database.migrated", part=history)

    return cli


def _owner_and_login(variable: str) -> tuple[str, str]:
    """The owner's address of a database, and the name of the service's login, which must be a different one."""
    owner, login = _address_in(owner_variable(variable)), make_url(_address_in(variable)).username
    if login is None or login == make_url(owner).username:
        raise typer.BadParameter(f"{variable} must name a login other than the owner's")
    return owner, login


def _refused_settings(error: ValueError) -> dict[str, str]:
    """The invalid settings, each with the reason. Other errors are raised unchanged."""
    if isinstance(error, ValidationError):
        return {str(part["loc"][0]) if part["loc"] else "settings": part["msg"] for part in error.errors()}
    # Parts outside the chassis refuse settings too, and report them in the same way.
    refused: dict[str, str] | None = getattr(error, "refused_settings", None)
    if refused is None:
        raise error
    return refused


Reason = Annotated[
    str | None, typer.Option("--reason", help="The reason; required unless it is a dry run. Do not name a person.")
]
Operator = Annotated[
    str, typer.Option("--operator", default_factory=getpass.getuser, help="The person who makes the change.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done; change nothing.")]
WithFile = Annotated[
    Path, typer.Option("--with", exists=True, dir_okay=False, help="The file that the other service has written.")
]

Seals = Annotated[
    Path | None,
    typer.Option("--seals", exists=True, dir_okay=False, help="The output of `python -m libs.events seals`."),
]


def add_known(
    cli: typer.Typer, open_database: Callable[[], Database], known: Callable[[AsyncSession], Awaitable[list[Known]]]
) -> None:
    """Give a service the command `known`."""

    @cli.command("known")
    def print_known() -> None:
        """Print ids, versions and states of the objects that other services know too, one per line."""
        write(asyncio.run(in_transaction(open_database(), known)))


async def in_transaction(database: Database, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """Do the work of a command in one transaction."""
    try:
        async with database.transaction() as session:
            return await work(session)
    finally:
        await database.close()


def add_audit_check(cli: typer.Typer, open_database: Callable[[], Database], *, table: SealedLog) -> None:
    """Give a service the commands `verify-audit` and `next-audit-key`."""

    @cli.command()
    def verify_audit(seals: Seals = None) -> None:
        """Compare the record of access with its seals, and these with the published seals.

        Exits with 1 if anything differs from the seals. Needs the key of the seals to detect forged ones.
        """
        keys, told = AuditSettings().audit_keys() or (), None if seals is None else _told_seals(seals)
        report = asyncio.run(
            in_transaction(open_database(), lambda session: check(session, table, keys=keys, told=told))
        )
        Console().print(asdict(report) | {"made_by_checked": bool(keys)})
        if not report.is_sound:
            raise typer.Exit(1)

    @cli.command()
    def next_audit_key() -> None:
        """Print the next content of the file of seal keys: a new key first, then all earlier ones."""
        keys = AuditSettings().audit_keys()
        if keys is None:
            raise typer.BadParameter("no key is set (ENLACE_AUDIT_KEY_FILE or ENLACE_FINGERPRINT_KEY)")
        typer.echo(successor(keys), nl=False)


def add_accesses(cli: typer.Typer, open_database: Callable[[], Database], accesses: Accesses) -> None:
    """Give a service the command `accesses`."""

    @cli.command("accesses")
    def print_accesses(
        operator: Operator,
        returnee: Annotated[
            UUID | None, typer.Option(help="List who has read or written the data of this returnee.")
        ] = None,
        by: Annotated[
            str | None, typer.Option(help="List whose data this client or subject has read or written.")
        ] = None,
        since: Annotated[datetime | None, typer.Option(help="Only from this time on.")] = None,
    ) -> None:
        """Print the record of access of one person, or of one caller, as JSON lines.

        For the data protection officer. Reading a person's record of access is recorded as well.
        """
        if (returnee is None) == (by is None):
            raise typer.BadParameter("name a returnee or a caller")
        from_then = None if since is None else since.replace(tzinfo=since.tzinfo or UTC)
        asked = Asked(returnee, by, from_then, operator)
        for row in asyncio.run(in_transaction(open_database(), lambda session: accesses(session, asked))):
            typer.echo(json.dumps(row, default=_plain, sort_keys=True))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _told_seals(path: Path) -> list[Link]:
    """Seals as `python -m libs.events seals` prints them, one per line."""
    try:
        with path.open(encoding="utf-8") as lines:
            return [link_of(json.loads(line)) for line in lines if line.strip()]
    except (KeyError, ValueError, TypeError, UnicodeDecodeError):
        raise typer.BadParameter("a line of the file is not a seal", param_hint="--seals") from None


def serve_app(app: FastAPI, *, host: str, port: int) -> None:
    """Serve `app` until SIGTERM or SIGINT. Then the process reports that it is not ready, stops its loops, and finishes
    the requests that it has received."""
    _keep_out_of_the_way()
    _Server(ServerConfig(app, app.state.settings, host=host, port=port), app).run()


def _keep_out_of_the_way() -> None:
    """Run the cycle collector less often, and on new objects only: batches create many objects and few cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 20, 50)


class _Server(Server):
    """Notifies the application at the signal; uvicorn itself does so only after the last request."""

    def __init__(self, config: ServerConfig, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._app.state.health.draining = True
        self._app.state.supervisor.ask_to_stop()
        super().handle_exit(sig, frame)


def _address_in(variable: str) -> str:
    try:
        file = os.environ.get(f"{variable}_FILE")
        url = os.environ[variable] if not file else secret_of_file(Path(file), variable=f"{variable}_FILE")
        check_line(url, tls=os.environ.get("ENLACE_DATABASE_TLS", "required"))
    except KeyError:
        raise typer.BadParameter(f"the environment variable is missing: {variable}") from None
    except ValueError as error:
        raise typer.BadParameter(f"{variable}: {error}") from None
    return url
