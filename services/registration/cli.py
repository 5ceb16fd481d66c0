"""The commands of registration: serve, migrate (both databases), verify-audit, accesses, known, reconcile."""

import asyncio
from functools import partial

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
from services.registration.app import SERVICE, create_app
from services.registration.audit.actions import record
from services.registration.audit.queries import accesses
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.audit.tables import AUDIT
from services.registration.database import KeysDatabase
from services.registration.reconciling.actions import reconciled
from services.registration.reconciling.queries import known
from services.registration.reconciling.rules import Finding
from services.registration.settings import Settings
from services.registration.vault.sealing import MasterKey, Vault

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


add_audit_check(cli, _database, table=AUDIT)
add_known(cli, _database, known)


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
    """Compare with what referral knows and mend what differs; prints each difference, one line each.

    Run it again until it prints nothing that a program can mend. Referral's `reconcile` takes what is left.
    """
    if not dry_run and not (reason or "").strip():
        raise typer.BadParameter("a change by hand needs a reason", param_hint="--reason")
    write(asyncio.run(_reconcile(list(read(with_)), None if dry_run else Hand(operator, reason or ""))))


async def _reconcile(theirs: list[Known], by: Hand | None) -> list[Finding]:
    settings = Settings()
    keys = KeysDatabase(settings.keys_database_url)
    vault = Vault(MasterKey.from_base64(settings.vault_key.get_secret_value()), keys)
    try:
        return await in_transaction(_database(), partial(reconciled, theirs=theirs, vault=vault, by=by))
    finally:
        await keys.close()


if __name__ == "__main__":
    cli()
