"""The commands of registration: serve, migrate, verify-audit, accesses, known, reconcile, those of the vault key."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, TypeVar

import typer
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.cli import (
    Asked,
    DryRun,
    Operator,
    Reason,
    WithFile,
    add_accesses,
    add_audit_check,
    add_known,
    in_transaction,
    make_cli,
)
from libs.chassis.database import Database
from libs.chassis.knowing import Known, read, write
from libs.events.audit import Hand
from services.registration.app import SERVICE, create_app, vault_of
from services.registration.audit.actions import record
from services.registration.audit.queries import accesses
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.audit.tables import AUDIT
from services.registration.database import KeysDatabase
from services.registration.reconciling.actions import reconciled
from services.registration.reconciling.queries import known
from services.registration.reconciling.rules import Finding
from services.registration.settings import Settings
from services.registration.vault.actions import rewrap_keys
from services.registration.vault.sealing import successor

OfRestricted = Annotated[bool, typer.Option("--restricted", help="Use the key of restricted needs, not the vault key.")]
REWRAPPED_AT_ONCE = 500

cli = make_cli(
    SERVICE,
    create_app,
    histories={
        "migrations": "ENLACE_REGISTRATION_DATABASE_URL",
        "keys_migrations": "ENLACE_REGISTRATION_KEYS_DATABASE_URL",
    },
)


def _database() -> Database:
    settings = Settings()
    return Database(settings.database_url, clock=settings.clock(), application_name=SERVICE, pool_size=1)


T = TypeVar("T")


def _with_vault(work: Callable[..., Awaitable[T]]) -> Callable[[AsyncSession], Awaitable[T]]:
    """`work` with the vault that the settings describe."""

    async def done(session: AsyncSession) -> T:
        settings = Settings()
        keys = KeysDatabase(settings.keys_database_url)
        try:
            return await work(session, vault=vault_of(settings, keys))
        finally:
            await keys.close()

    return done


add_audit_check(cli, _database, table=AUDIT)
add_known(cli, _database, _with_vault(known))


async def _accesses(session: AsyncSession, asked: Asked) -> list[dict[str, object]]:
    rows = await accesses(session, asked.returnee_id, by=asked.by, since=asked.since)
    if asked.returnee_id is not None:
        looked = Access(
            subject_id=asked.returnee_id,
            kind=AccessKind.READ,
            action="access_log.read",
            purpose=AccessPurpose.REQUEST_OF_PERSON,
            fields=["access_log"],
        )
        await record(session, Actor(who=asked.operator, client_id="command-line"), [looked])
    return rows


add_accesses(cli, _database, _accesses)


@cli.command()
def reconcile(with_: WithFile, operator: Operator, dry_run: DryRun = False, reason: Reason = None) -> None:
    """Compare with what referral knows and correct differences; prints each difference on one line.

    Run it again until it prints nothing that a program can correct. Referral's `reconcile` handles the rest.
    """
    if not dry_run and not (reason or "").strip():
        raise typer.BadParameter("a change by an operator needs a reason", param_hint="--reason")
    write(asyncio.run(_reconcile(list(read(with_)), None if dry_run else Hand(operator, reason or ""))))


async def _reconcile(theirs: list[Known], by: Hand | None) -> list[Finding]:
    return await in_transaction(_database(), _with_vault(partial(reconciled, theirs=theirs, by=by)))


@cli.command()
def next_vault_key(restricted: OfRestricted = False) -> None:
    """Print the next content of the file of vault keys: the new key, which is last, can only decrypt."""
    settings = Settings()
    typer.echo(successor(settings.restricted_key_text() if restricted else settings.vault_key_text()), nl=False)


@cli.command()
def rotate_master_key(restricted: OfRestricted = False) -> None:
    """Encrypt every data key again with the first key of the file, in batches, while the service runs.

    Ends when no data key is encrypted with another key, so that those can be removed. If it is killed, run it again.
    """
    asyncio.run(_rotate(restricted=restricted))


async def _rotate(*, restricted: bool) -> None:
    settings = Settings()
    keys = KeysDatabase(settings.keys_database_url)
    vault = vault_of(settings, keys)
    done, left = 0, 1
    try:
        while left:
            count, left = await rewrap_keys(vault, limit=REWRAPPED_AT_ONCE, restricted=restricted)
            done += count
            if left and not count:
                await asyncio.sleep(1)  # another process has locked the rest
    finally:
        await keys.close()
    typer.echo(f"{done} keys were encrypted again; no other key is in use")


if __name__ == "__main__":
    cli()
