"""The commands of registration: serve, migrate (both databases), verify-audit."""

import asyncio
from dataclasses import asdict

import typer
from rich.console import Console

from libs.chassis.cli import make_cli
from libs.chassis.database import Database
from services.registration.app import SERVICE, create_app
from services.registration.audit.queries import ChainReport, check_chain
from services.registration.settings import Settings

cli = make_cli(
    SERVICE,
    create_app,
    histories={
        "migrations": "ENLACE_REGISTRATION_DATABASE_URL",
        "keys_migrations": "ENLACE_REGISTRATION_KEYS_DATABASE_URL",
    },
)


@cli.command()
def verify_audit() -> None:
    """Walk the hash chain over the record of access; exits with 1 when a link does not match what is recorded now."""
    report = asyncio.run(_check())
    Console().print(asdict(report))
    if report.broken_at is not None:
        raise typer.Exit(1)


async def _check() -> ChainReport:
    settings = Settings()
    database = Database(settings.database_url, clock=settings.clock(), application_name=SERVICE, pool_size=1)
    try:
        async with database.transaction() as session:
            return await check_chain(session)
    finally:
        await database.close()


if __name__ == "__main__":
    cli()
