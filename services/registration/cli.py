"""The commands of registration: serve, migrate, verify-audit, accesses, known, reconcile, match, retention-report, and
those of the vault key."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from pathlib import Path
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
from libs.chassis.yaml_files import FaultyFileError
from libs.events.audit import Hand
from services.registration.app import SERVICE, create_app, manager_of, vault_of
from services.registration.audit.actions import record
from services.registration.audit.queries import accesses
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.audit.tables import AUDIT
from services.registration.database import KeysDatabase
from services.registration.file_matching import actions as file_matching
from services.registration.file_matching.rules import UnreadableFileError
from services.registration.linkage import priors as weights
from services.registration.pack import load_pack
from services.registration.reconciling.actions import reconciled
from services.registration.reconciling.queries import known
from services.registration.reconciling.rules import Finding
from services.registration.retention.queries import report
from services.registration.retention.rules import is_span
from services.registration.settings import Settings
from services.registration.vault import key_files
from services.registration.vault.actions import rewrap_keys
from services.registration.vault.outer import KeyManager
from services.registration.vault.sealing import Vault, successor

OfRestricted = Annotated[bool, typer.Option("--restricted", help="Use the key of restricted needs, not the vault key.")]
TransitName = Annotated[str, typer.Argument(metavar="NAME", help="The key in the transit engine.")]
ToTransit = Annotated[str | None, typer.Option("--transit", metavar="NAME", help="A key of the key manager.")]
FirstDay = Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")]
LastDay = Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day.")]
REWRAPPED_AT_ONCE = 500
PeopleCsv = Annotated[Path, typer.Argument(metavar="FILE.csv", help="People, one a row, with a header row.")]
PairsCsv = Annotated[Path, typer.Option("--out", help="The file for the pairs: id_a, id_b, score, band.")]
Weights = Annotated[Path | None, typer.Option("--priors", help="The weights to begin with, a linkage.yaml of a pack.")]
Estimated = Annotated[Path | None, typer.Option("--estimate", help="Write the weights learnt from FILE.csv here.")]

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


def _vault(settings: Settings) -> Vault:
    return vault_of(settings, KeysDatabase(settings.keys_database_url))


def _with_vault(work: Callable[..., Awaitable[T]]) -> Callable[[AsyncSession], Awaitable[T]]:
    """`work` with the vault that the settings describe."""

    async def done(session: AsyncSession) -> T:
        vault = _vault(Settings())
        try:
            return await work(session, vault=vault)
        finally:
            await vault.close()

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
def match(file: PeopleCsv, out: PairsCsv, priors: Weights = None, estimate: Estimated = None) -> None:
    """Find the rows of FILE.csv that may be one person. Needs no settings, no database and no network.

    Columns: given_name, surname, street_number, address_1, address_2, suburb, postcode, state, date_of_birth, phone,
    sex, municipality, document_number, id; any may be absent, and others are not read. Without an id it is the line.
    The weights are learnt from the file itself. Prints numbers only, no data of people.
    """
    try:
        start = weights.load(priors or weights.WEIGHTS)
        people = file_matching.read(file)
        pairs, learnt = file_matching.matched(people, start)
        file_matching.write_pairs(pairs, out)
        if estimate:
            file_matching.write_priors(learnt, estimate)
    except (UnreadableFileError, FaultyFileError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if people.other_lengths:
        typer.echo(f"{people.other_lengths} rows have fewer cells than the header row; those were compared", err=True)
    if people.repeated_ids:
        typer.echo(f"{people.repeated_ids} ids stand in more than one row", err=True)
    of_band = file_matching.counts(pairs)
    typer.echo(f"{len(people.ids)} records; pairs: {of_band['same']} same, {of_band['review']} to review")


@cli.command()
def retention_report(since: FirstDay, until: LastDay) -> None:
    """Print each kind of data with its end, and how much of it went in a span of days, as one JSON object per line.

    It contains kinds and numbers only. Days are those of UTC, and both are included.
    """
    if not is_span(since.date(), until.date()):
        raise typer.BadParameter("the last day is before the first one", param_hint="--to")
    made = partial(report, reception=load_pack(Settings().pack).reception, since=since.date(), until=until.date())
    for line in asyncio.run(in_transaction(_database(), made)).kinds:
        typer.echo(line.model_dump_json())


@cli.command()
def first_vault_key(name: TransitName) -> None:
    """Print a file of vault keys for a new installation: a key of a key manager, and new keys for hashes that this key
    wraps. Needs ENLACE_KMS_URL and ENLACE_KMS_TOKEN_FILE."""
    typer.echo(asyncio.run(_with_manager(partial(key_files.first, name))), nl=False)


@cli.command()
def next_vault_key(restricted: OfRestricted = False, transit: ToTransit = None) -> None:
    """Print the next content of the file of vault keys: the new key, which is last, can only decrypt.

    With `--transit`, the new key is that of a key manager. If the file names one already, only the keys for hashes are
    wrapped again, by the newest version of that key.
    """
    text = _key_text(Settings(), restricted=restricted)
    if transit is not None:
        text = asyncio.run(_with_manager(partial(key_files.joined, text, transit)))
    elif key_files.name_in(text) is not None:
        text = asyncio.run(_with_manager(partial(key_files.renewed, text)))
    else:
        text = successor(text)
    typer.echo(text, nl=False)


@cli.command()
def rotate_master_key(restricted: OfRestricted = False) -> None:
    """Encrypt every data key again with the first key of the file, in batches, while the service runs.

    Ends when no data key is encrypted with another key or another version, so that those can be removed. If it is
    killed, run it again.
    """
    asyncio.run(_rotate(restricted=restricted))


def _key_text(settings: Settings, *, restricted: bool) -> str:
    return settings.restricted_key_text() if restricted else settings.vault_key_text()


async def _with_manager(work: Callable[[KeyManager], Awaitable[T]]) -> T:
    manager = manager_of(Settings())
    try:
        return await work(manager)
    finally:
        await manager.close()


async def _rotate(*, restricted: bool) -> None:
    settings = Settings()
    vault = _vault(settings)
    text, done, left = _key_text(settings, restricted=restricted), 0, 1
    try:
        while left:
            count, left = await rewrap_keys(vault, limit=REWRAPPED_AT_ONCE, restricted=restricted)
            done += count
            if left and not count:
                await asyncio.sleep(1)  # another process has locked the rest
        behind = vault.manager is not None and await key_files.is_behind(text, vault.manager)
    finally:
        await vault.close()
    typer.echo(f"{done} keys were encrypted again; no other key is in use")
    if behind:
        typer.echo("The file itself needs an older version: replace it by the output of next-vault-key.")


if __name__ == "__main__":
    cli()
