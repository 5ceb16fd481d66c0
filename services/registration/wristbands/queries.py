"""Queries of wristbands and check-ins."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.errors import NotFound
from services.registration.wristbands.rules import BandStatus, Waiting
from services.registration.wristbands.tables import CheckIn, Wristband

_OPEN = """
    SELECT arrival_batch_id, count(*) AS open_count FROM wristband
    WHERE status = 'in_use' AND arrival_batch_id = ANY($1) GROUP BY arrival_batch_id
"""
# Nobody waits under a band that was given up because the person left.
_FIGURES = """
    SELECT count(welcomed_at) AS welcomed, count(informed_at) AS informed, count(registered_at) AS registered,
           count(exited_at) AS exited,
           min(welcomed_at) FILTER (WHERE informed_at IS NULL AND here) AS not_informed_since,
           min(coalesce(handed_out_at, welcomed_at)) FILTER (WHERE registered_at IS NULL AND here)
               AS not_registered_since,
           min(registered_at) FILTER (WHERE here) AS not_exited_since
    FROM (
        SELECT c.*, w.handed_out_at, c.exited_at IS NULL AND w.status IS DISTINCT FROM 'void' AS here
        FROM check_in c LEFT JOIN wristband w ON w.id = c.wristband_id WHERE c.arrival_batch_id = $1
    ) AS passing
"""


async def band_of_code(session: AsyncSession, code: str) -> Wristband:
    """The band with this code; NotFound if there is none, or row-level security hides it."""
    found = (await session.exec(select(Wristband).where(Wristband.code == code))).first()
    if found is None:
        raise NotFound
    return found


async def bands_of_codes(session: AsyncSession, codes: Collection[str]) -> dict[str, Wristband]:
    """The bands with these codes, except those that do not exist or that row-level security hides."""
    if not codes:
        return {}
    return {
        row.code: row for row in (await session.exec(select(Wristband).where(col(Wristband.code).in_(codes)))).all()
    }


async def locked_bands(session: AsyncSession, wristband_ids: Collection[UUID]) -> dict[UUID, Wristband]:
    """The current rows of these bands, locked in the order of their ids. All transactions lock bands before people."""
    if not wristband_ids:
        return {}
    query = select(Wristband).where(col(Wristband.id).in_(list(wristband_ids))).order_by(col(Wristband.id))
    locking = query.with_for_update().execution_options(populate_existing=True)
    return {row.id: row for row in (await session.exec(locking)).all()}


async def lock_people(session: AsyncSession, returnee_ids: Collection[UUID]) -> None:
    """Lock these people, so that nobody else creates or changes their check-ins."""
    statement = "SELECT 1 FROM returnee WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
    await (await raw(session)).fetch(statement, list(returnee_ids))


async def check_ins(
    session: AsyncSession, *, wristband_ids: Collection[UUID] = (), returnee_ids: Collection[UUID] = ()
) -> Sequence[CheckIn]:
    """The check-ins of these bands and people, locked."""
    query = select(CheckIn).where(
        col(CheckIn.wristband_id).in_(list(wristband_ids)) | col(CheckIn.returnee_id).in_(list(returnee_ids))
    )
    locking = query.order_by(col(CheckIn.id)).with_for_update().execution_options(populate_existing=True)
    return (await session.exec(locking)).all()


async def open_bands(session: AsyncSession, batch_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many people of each batch have a band and are not registered yet."""
    found = {row["arrival_batch_id"]: row["open_count"] for row in await _rows(session, _OPEN, list(batch_ids))}
    return {batch_id: found.get(batch_id, 0) for batch_id in batch_ids}


async def figures(session: AsyncSession, batch_id: UUID) -> Waiting:
    """The numbers of the check-in of a batch."""
    (row,) = await _rows(session, _FIGURES, batch_id)
    return Waiting(**dict(row))


async def codes_of_sheet(session: AsyncSession, batch_id: UUID, sheet_id: UUID) -> list[str]:
    """The codes of a sheet that can still be used, in their order; NotFound if the batch has no such sheet."""
    query = select(Wristband).where(Wristband.arrival_batch_id == batch_id, Wristband.sheet_id == sheet_id)
    rows = (await session.exec(query.order_by(col(Wristband.id)))).all()
    if not rows:
        raise NotFound
    return [row.code for row in rows if row.status != BandStatus.VOID]


async def _rows(session: AsyncSession, statement: str, *values: object) -> Sequence[dict[str, Any]]:
    return [dict(row) for row in await (await raw(session)).fetch(statement, *values)]
