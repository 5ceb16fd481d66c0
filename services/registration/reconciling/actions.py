"""Corrects differences from referral: publishes again what referral lacks, and withdraws consents that may have been
withdrawn."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.chassis.knowing import Known
from libs.events.audit import Hand, note
from libs.events.catalogue.registration import NeedReported, NeedWithdrawn, ReturneeChanged, ReturneeErased
from libs.events.outbox import append
from services.registration.consent.actions.consents import tell_states
from services.registration.excluded_people.actions import tell_again, tell_ends_again
from services.registration.households.actions.households import tell_households
from services.registration.households.queries import household_states
from services.registration.needs.restricted import by_id
from services.registration.needs.schemas import RestrictedNeed, reported
from services.registration.people.queries import profile_fields
from services.registration.people.tables import Returnee
from services.registration.reconciling import queries
from services.registration.reconciling.rules import Difference, Finding, compare
from services.registration.vault.sealing import Vault

_LOCK = "SELECT id, traceparent FROM returnee WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
_LIFT = """
UPDATE {table} SET version = f.version FROM unnest($1::uuid[], $2::int[]) AS f (id, version)
WHERE {table}.{key} = f.id AND {table}.version < f.version
"""
_WITHDRAW = """
INSERT INTO consent_withdrawal (consent_id, withdrawn_at, recorded_by)
SELECT id, $2, 'reconcile' FROM consent WHERE returnee_id = ANY($1::uuid[]) ON CONFLICT DO NOTHING
"""
_NEEDS = "SELECT * FROM need WHERE id = ANY($1::uuid[]) ORDER BY id"


_NEWER_THERE = (Difference.OLDER, Difference.CONSENT_OLDER)
_OF_PAIRS = (Difference.NOT_HEARD, Difference.END_NOT_HEARD, Difference.UNKNOWN)


async def reconciled(session: AsyncSession, *, theirs: Iterable[Known], vault: Vault, by: Hand | None) -> list[Finding]:
    """Find every difference from referral's data. Correct them for the operator `by`; without an operator only find
    them."""
    findings = compare(await queries.known(session, vault=vault), theirs, erased=await queries.erased(session, vault))
    if by is not None:
        await mend(session, findings, by, vault=vault)
    return findings


async def mend(session: AsyncSession, findings: Sequence[Finding], by: Hand, *, vault: Vault) -> None:
    """Correct these differences in this transaction, and record who did it and why."""
    people = sorted({one.of for one in findings if one.of is not None})
    await (await raw(session)).fetch(_LOCK, people)
    await _lift(session, findings)
    await _let_no_consent_count(session, _ids(findings, "consent", Difference.CONSENT_OLDER))
    await _tell_people(session, _ids(findings, "returnee", Difference.NOT_HEARD))
    await tell_states(session, _ids(findings, "consent", Difference.NOT_HEARD, Difference.CONSENT_OLDER))
    await tell_households(session, await household_states(session, _ids(findings, "household", Difference.NOT_HEARD)))
    await _tell_needs(session, _ids(findings, "need", Difference.NOT_HEARD), vault=vault)
    await tell_again(session, _ids(findings, "pair", Difference.NOT_HEARD))
    await tell_ends_again(session, _ids(findings, "pair", Difference.END_NOT_HEARD))
    await _tell_erasures(session, _ids(findings, "returnee", Difference.ERASED_NOT_HEARD))
    counts = {one.value: sum(found.state == one for found in findings) for one in Difference}
    pairs = {one.value: len(_ids(findings, "pair", one)) for one in _OF_PAIRS}
    await note(await raw(session), "reconcile", by, {"differences": counts, "pairs": pairs})


def _ids(findings: Sequence[Finding], kind: str, *differences: Difference) -> list[UUID]:
    return sorted(one.id for one in findings if one.kind == kind and one.state in differences)


async def _lift(session: AsyncSession, findings: Sequence[Finding]) -> None:
    """Raise versions to those that referral knows, so that the next change is newer. Until then referral's data are
    valid."""
    for kind, table, key in (
        ("returnee", "returnee", "id"),
        ("household", "household", "id"),
        ("consent", "consent_state", "returnee_id"),
    ):
        found = [
            one for one in findings if one.kind == kind and one.state in (Difference.OLDER, Difference.CONSENT_OLDER)
        ]
        if found:
            statement = _LIFT.format(table=table, key=key)
            await (await raw(session)).execute(statement, [one.id for one in found], [one.version for one in found])


async def _let_no_consent_count(session: AsyncSession, returnee_ids: Collection[UUID]) -> None:
    """Withdraw the consents of these people. A newer state of their consent is lost; it may have been a withdrawal, so
    earlier consents must not count."""
    if returnee_ids:
        await (await raw(session)).execute(_WITHDRAW, list(returnee_ids), now(session))


async def _tell_people(session: AsyncSession, returnee_ids: Collection[UUID]) -> None:
    rows = (await session.exec(select(Returnee).where(col(Returnee.id).in_(returnee_ids)))).all()
    events = [ReturneeChanged.model_validate(profile_fields(row)) for row in rows]
    await append(session, events, traceparents=[row.traceparent for row in rows])


async def _tell_needs(session: AsyncSession, need_ids: Collection[UUID], *, vault: Vault) -> None:
    rows = await (await raw(session)).fetch(_NEEDS, list(need_ids))
    events: list[NeedWithdrawn | NeedReported] = [
        NeedWithdrawn(returnee_id=row["returnee_id"], need_id=row["id"], withdrawn_at=row["withdrawn_at"])
        if row["status"] == "withdrawn"
        else reported(row, at=now(session))
        for row in rows
    ]
    hidden = [one.need for one in await by_id(session, need_ids, vault=vault)]
    told = [_told(need, session) for need in hidden]
    traceparents = [*(row["traceparent"] for row in rows), *(need.traceparent for need in hidden)]
    await append(session, [*events, *told], traceparents=traceparents)


def _told(need: RestrictedNeed, session: AsyncSession) -> NeedWithdrawn | NeedReported:
    if need.withdrawn_at is not None:
        return NeedWithdrawn(returnee_id=need.returnee_id, need_id=need.id, withdrawn_at=need.withdrawn_at)
    return reported(need, at=now(session))


async def _tell_erasures(session: AsyncSession, returnee_ids: Collection[UUID]) -> None:
    events = [ReturneeErased(returnee_id=one, erased_at=now(session)) for one in returnee_ids]
    await append(session, events, traceparents=[None for _ in events])
