"""Queries of clocks: what last happened to people, and who is due."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, own_work, raw
from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest, page_of
from services.registration.identity_ends.rules import ExtensionReason, Life, counts_from, is_due
from services.registration.identity_ends.schemas import DuePerson, ExtensionView
from services.registration.identity_ends.tables import RetentionExtension
from services.registration.people.actions.merging import records_of

EXTEND: Final = "retention.extend"
FIRST: Final = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))
"""Before every row in the order of a list."""
# Every change of a person's data is in the record of access. A look changes nothing, and an extension has its own end.
_LIVES = f"""
    SELECT r.id,
        greatest(r.registered_at, r.arrived_at,
            (SELECT a.at FROM audit_entry a WHERE a.subject_id = r.id AND a.kind = 'write' AND a.action <> '{EXTEND}'
             ORDER BY a.id DESC LIMIT 1),
            (SELECT max(k.closes_at) FROM packet_share s JOIN packet_access k ON k.offer_id = s.offer_id
             WHERE s.returnee_id = r.id)) AS last_at,
        (SELECT max(e.until) FROM retention_extension e WHERE e.returnee_id = r.id) AS kept_until,
        EXISTS (SELECT FROM packet_share s JOIN packet_access k ON k.offer_id = s.offer_id
                WHERE s.returnee_id = r.id AND k.closes_at IS NULL)
        OR EXISTS (SELECT FROM legal_request l WHERE l.returnee_id = r.id AND l.status = 'open') AS is_open
    FROM unnest($1::uuid[]) AS p (id) JOIN returnee r ON r.id = p.id WHERE r.erased_at IS NULL
"""  # noqa: S608 (a declared name)
DUE = """
    SELECT c.returnee_id, c.due_since, r.case_code
    FROM identity_clock c JOIN returnee r ON r.id = c.returnee_id
    WHERE c.due_since IS NOT NULL AND r.erased_at IS NULL AND (c.due_since, c.returnee_id) > ($1, $2)
    ORDER BY c.due_since, c.returnee_id LIMIT $3
"""
_DUE_COUNT = """
    SELECT count(*) FROM (SELECT FROM identity_clock WHERE due_since IS NOT NULL LIMIT $1) AS due
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check finds about one record."""

    returnee_id: UUID
    counts_from: datetime
    is_due: bool


async def verdicts(session: AsyncSession, returnee_ids: Collection[UUID], *, days: int) -> dict[UUID, Verdict]:
    """What is true now of these records; nothing of erased ones. Merged records are one person: the record under which
    it continues is due, or none is."""
    at = now(session)
    root_of = await records_of(session, returnee_ids)
    rows = await (await raw(session)).fetch(_LIVES, list(root_of))
    lives = {row["id"]: Life(row["last_at"], row["kept_until"], row["is_open"]) for row in rows}
    of_root: dict[UUID, list[Life]] = {}
    for record_id, life in lives.items():
        of_root.setdefault(root_of[record_id], []).append(life)
    found = {}
    for returnee_id in set(returnee_ids) & lives.keys():
        root = root_of[returnee_id]
        if root == returnee_id or root not in lives:
            since = counts_from(of_root[root], at=at, days=days)
            found[returnee_id] = Verdict(returnee_id, since, is_due(since, at=at, days=days))
        else:
            found[returnee_id] = Verdict(returnee_id, at, is_due=False)
    return found


async def due_people(session: AsyncSession, request: PageRequest, *, days: int) -> Page[DuePerson]:
    """The people of the list, who waited longest first. The caller sees the whole country. Whoever something happened
    to since the last check is left out, so a page may have fewer entries than it could."""
    after = FIRST if request.after is None else (datetime.fromisoformat(request.after[0]), UUID(request.after[1]))
    async with own_work(session):
        rows = await (await raw(session)).fetch(DUE, *after, request.limit + 1)
        page: Page[asyncpg.Record] = page_of(rows, request=request, cursor_of=_cursor_of)
        current = await verdicts(session, [row["returnee_id"] for row in page.items], days=days)
    shown = [(row, current.get(row["returnee_id"])) for row in page.items]
    return Page(
        items=[
            DuePerson(
                returnee_id=row["returnee_id"],
                case_code=row["case_code"],
                due_since=row["due_since"],
                last_at=verdict.counts_from,
            )
            for row, verdict in shown
            if verdict is not None and verdict.is_due
        ],
        next=page.next,
    )


def _cursor_of(row: asyncpg.Record) -> list[str]:
    return [row["due_since"].isoformat(), str(row["returnee_id"])]


async def due_count(session: AsyncSession, *, most: int) -> int:
    """How many people are on the list; counting stops at `most`."""
    count: int = await (await raw(session)).fetchval(_DUE_COUNT, most)
    return count


async def extensions(session: AsyncSession, returnee_ids: Collection[UUID]) -> Sequence[RetentionExtension]:
    """All extensions of these records, oldest first. Call it for the report to the person, who is told of all."""
    query = select(RetentionExtension).where(col(RetentionExtension.returnee_id).in_(returnee_ids))
    async with own_work(session):
        return (await session.exec(query.order_by(col(RetentionExtension.id)))).all()


async def extension_view(session: AsyncSession, extension_id: UUID) -> ExtensionView:
    """One extension, or NotFound."""
    row = await session.get(RetentionExtension, extension_id)
    if row is None:
        raise NotFound
    return ExtensionView(
        id=row.id,
        returnee_id=row.returnee_id,
        reason=ExtensionReason(row.reason),
        until=row.until,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
    )
