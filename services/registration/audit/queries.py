"""The record of access: a person's list, entries in the order of sealing, and the check of the chain."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.paging import Page, PageRequest, page_of
from services.registration.audit.rules import GENESIS, RESTRICTED, AccessKind, AccessPurpose, EntryFacts, chain
from services.registration.audit.schemas import AccessView
from services.registration.audit.tables import AuditEntry, AuditSeal

_ENTRIES = """
    SELECT id, transaction_id, at, subject_id, kind, action, who, client_id, organization_id, purpose, fields,
           referral_id, offer_id, trace_id
    FROM audit_entry WHERE transaction_id >= $1 AND transaction_id < $2 ORDER BY transaction_id, id
"""
_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_CUT = """
    SELECT transaction_id FROM audit_entry WHERE transaction_id >= $1 AND transaction_id < $2
    ORDER BY transaction_id, id OFFSET $3 LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a check of the whole chain found."""

    entries_count: int
    seals_count: int
    broken_at: int | None
    """The first seal that does not match what is recorded; None when all do."""
    unsealed_count: int


async def access_log(
    session: AsyncSession, subject_id: UUID, page: PageRequest, *, restricted: bool
) -> Page[AccessView]:
    """Who touched this person's data, newest first; entries about restricted needs only where they may be seen."""
    query = select(AuditEntry).where(AuditEntry.subject_id == subject_id)
    if not restricted:
        query = query.where(col(AuditEntry.action).not_like(f"{RESTRICTED}%"))
    if page.after is not None:
        query = query.where(col(AuditEntry.id) < int(page.after[0]))
    rows = (await session.exec(query.order_by(col(AuditEntry.id).desc()).limit(page.limit + 1))).all()
    return page_of(rows, request=page, cursor_of=lambda row: [str(row.id)], view=_view)


def _view(row: AuditEntry) -> AccessView:
    return AccessView(
        at=row.at,
        kind=AccessKind(row.kind),
        action=row.action,
        who=row.who,
        client_id=row.client_id,
        organization_id=row.organization_id,
        purpose=AccessPurpose(row.purpose),
        fields=row.fields,
        referral_id=row.referral_id,
        offer_id=row.offer_id,
        trace_id=row.trace_id,
    )


async def last_seal(session: AsyncSession) -> AuditSeal | None:
    """The newest link of the chain."""
    return (await session.exec(select(AuditSeal).order_by(col(AuditSeal.id).desc()).limit(1))).first()


async def final_horizon(session: AsyncSession, *, from_transaction: int, limit: int) -> int:
    """Below which transaction all entries are final; lower when more than about `limit` entries wait.

    Whole transactions only, so one that wrote more than `limit` entries is taken whole.
    """
    connection = await raw(session)
    horizon: int = await connection.fetchval(_HORIZON)
    cut: int | None = await connection.fetchval(_CUT, from_transaction, horizon, limit)
    if cut is None:
        return horizon
    first: int = await connection.fetchval(_CUT, from_transaction, horizon, 0)
    return max(cut, first + 1)


async def entries(session: AsyncSession, *, from_transaction: int, up_to_transaction: int) -> list[EntryFacts]:
    """The entries of these transactions in the order in which they are sealed."""
    rows = await (await raw(session)).fetch(_ENTRIES, from_transaction, up_to_transaction)
    return [EntryFacts(**dict(row)) for row in rows]


async def check_chain(session: AsyncSession) -> ChainReport:
    """Walk the whole chain and compare every link with what is recorded now."""
    previous, start, counted, seals = GENESIS, 0, 0, 0
    broken_at: int | None = None
    for link in (await session.exec(select(AuditSeal).order_by(col(AuditSeal.id)))).all():
        found = await entries(session, from_transaction=start, up_to_transaction=link.up_to_transaction)
        intact = (
            link.id == seals + 1
            and link.previous_hash == previous
            and link.from_transaction == start
            and link.entries_count == len(found)
            and link.hash == chain(previous, found)
        )
        if not intact and broken_at is None:
            broken_at = link.id
        previous, start = link.hash, link.up_to_transaction
        counted, seals = counted + len(found), seals + 1
    total = await (await raw(session)).fetchval("SELECT count(*) FROM audit_entry")
    return ChainReport(entries_count=total, seals_count=seals, broken_at=broken_at, unsealed_count=total - counted)
