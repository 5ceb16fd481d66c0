"""Record who touched which personal data, and seal what has been recorded."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.chassis.telemetry import current_trace_id
from services.registration.audit import queries
from services.registration.audit.rules import GENESIS, Access, Actor, chain

_COLUMNS = (
    "at", "subject_id", "kind", "action", "who", "client_id", "organization_id", "purpose", "fields", "referral_id",
    "offer_id", "trace_id",
)  # fmt: skip
_SEAL = """
    INSERT INTO audit_seal (id, from_transaction, up_to_transaction, entries_count, previous_hash, hash, sealed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_SEALER_LOCK = 0x656E6C616365
"""Advisory lock of the one sealer of this database."""


async def record(session: AsyncSession, actor: Actor, accesses: Sequence[Access]) -> None:
    """Record accesses of one actor in this transaction, in one statement; they hold if, and only if, it commits."""
    if not accesses:
        return
    await session.flush()
    trace_id = actor.trace_id or current_trace_id()
    rows = [
        (
            now(session),
            access.subject_id,
            access.kind.value,
            access.action,
            actor.who,
            actor.client_id,
            actor.organization_id,
            access.purpose.value,
            list(access.fields),
            access.referral_id,
            access.offer_id,
            access.trace_id or trace_id,
        )
        for access in accesses
    ]
    await (await raw(session)).copy_records_to_table("audit_entry", records=rows, columns=_COLUMNS)


def array_text(codes: Sequence[str]) -> str:
    """A list of codes as PostgreSQL reads an array; codes hold letters, digits, dots, dashes and underscores only."""
    return "{" + ",".join(codes) + "}"


async def seal(session: AsyncSession, *, sealed_at: datetime, limit: int) -> int | None:
    """Add one link to the chain over all entries that are final, `limit` at the most; how many it covers.

    None when another sealer is at work. Entries of transactions below the snapshot's horizon are final: whatever
    commits later belongs to a later link.
    """
    connection = await raw(session)
    if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _SEALER_LOCK):
        return None
    last = await queries.last_seal(session)
    start = last.up_to_transaction if last else 0
    end = await queries.final_horizon(session, from_transaction=start, limit=limit)
    entries = await queries.entries(session, from_transaction=start, up_to_transaction=end)
    if not entries:
        return 0
    previous = last.hash if last else GENESIS
    await connection.execute(
        _SEAL, (last.id if last else 0) + 1, start, end, len(entries), previous, chain(previous, entries), sealed_at
    )
    return len(entries)
