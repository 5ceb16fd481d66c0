"""`python -m services.referral.cli serve | migrate | verify-audit | accesses | known | reconcile`."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import UUID

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
from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.chassis.knowing import read
from libs.events.audit import Hand
from services.referral.app import create_app
from services.referral.audit.actions import record
from services.referral.audit.queries import accesses
from services.referral.audit.rules import Access, AccessKind, AccessPurpose, Actor, Record
from services.referral.audit.tables import AUDIT
from services.referral.pack.policy import load_policy
from services.referral.reconciling.actions import Left, assign_to_desks
from services.referral.reconciling.queries import known, open_without_owner, people_of_pairs
from services.referral.settings import ReadModelSettings

EndPair = Annotated[
    list[UUID] | None,
    typer.Option("--end-pair", help="End this pair, which registration does not know, after both people were asked."),
]

cli = make_cli("referral", create_app)


def _database() -> Database:
    url = ReadModelSettings().database_url
    return Database(url, clock=Clock(), application_name="enlace-referral-cli", pool_size=1)


add_audit_check(cli, _database, table=AUDIT)
add_known(cli, _database, known)


async def _accesses(session: AsyncSession, asked: Asked) -> list[dict[str, object]]:
    rows = await accesses(session, asked.returnee_id, by=asked.by, since=asked.since)
    if asked.returnee_id is not None:
        looked = Access(
            actor=Actor(who=asked.operator, client_id="command-line", organization_id=None),
            kind=AccessKind.READ,
            action="read_access_log",
            purpose=AccessPurpose.REQUEST_OF_PERSON,
            fields=["access_log"],
            records=[(Record.RETURNEE, asked.returnee_id)],
        )
        await record(session, [looked])
    return rows


add_accesses(cli, _database, _accesses)

FOR_A_DESK = frozenset({"unknown", "older", "consent_older"})
"""Differences that registration has found and that only a person can resolve."""


@cli.command()
def reconcile(
    with_: WithFile, operator: Operator, dry_run: DryRun = False, reason: Reason = None, end_pair: EndPair = None
) -> None:
    """Assign to desks the needs that registration's `reconcile` could not resolve, and take resolved needs back.

    Two people whose exclusion registration does not know stay apart, and desks get the needs of both.
    """
    left = _left(with_)
    if stray := sorted(set(end_pair or ()) - left.pairs):
        raise typer.BadParameter(f"{stray[0]} is not a pair that registration does not know", param_hint="--end-pair")
    if dry_run:
        open_ = asyncio.run(in_transaction(_database(), partial(_would_go, left=left)))
        typer.echo(f"{open_} open needs would go to desks")
        return
    if not (reason or "").strip():
        raise typer.BadParameter("a change by an operator needs a reason", param_hint="--reason")
    by, policy = Hand(operator, reason or ""), load_policy(ReadModelSettings().pack)
    assigned = partial(assign_to_desks, policy=policy, left=left, by=by, end=end_pair or ())
    done = asyncio.run(in_transaction(_database(), assigned))
    typer.echo(f"{done.to_desks} open needs are with desks, {done.back} are back with the router")
    if left.pairs:
        typer.echo(
            f"pairs of people that registration does not know: {done.pairs_kept} stay apart, {done.pairs_ended} ended"
        )


def _left(file: Path) -> Left:
    left = [one for one in read(file) if one.state in FOR_A_DESK]
    return Left(
        people=frozenset(one.of or one.id for one in left if one.kind not in ("need", "pair")),
        needs=frozenset(one.id for one in left if one.kind == "need"),
        pairs=frozenset(one.id for one in left if one.kind == "pair"),
    )


async def _would_go(session: AsyncSession, left: Left) -> int:
    people = left.people | await people_of_pairs(session, left.pairs)
    return len(await open_without_owner(session, people, left.needs))


if __name__ == "__main__":
    cli()
