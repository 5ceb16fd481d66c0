"""Reads batches with their counts, for the progress of the intake.

Open batches are read by their state, and completed ones by their time of landing, each along an index. So the cost
depends on the open batches and on those of the period, and not on all that have ever come.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, true, union_all
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from libs.chassis.database import own_work
from libs.chassis.paging import Page, PageRequest, page_of
from libs.events.codes import TransportMode
from services.registration.arrivals.rules import BatchStatus
from services.registration.arrivals.tables import ArrivalBatch, words_of
from services.registration.audit.rules import Actor
from services.registration.manifests.queries import entry_counts
from services.registration.manifests.schemas import EntryCounts
from services.registration.matching.queries import returned_again
from services.registration.people.queries import within_sight
from services.registration.progress.rules import OPEN, Asked
from services.registration.progress.schemas import BatchProgressView
from services.registration.vault.sealing import Vault


def sight_of(actor: Actor) -> ColumnElement[bool]:
    """The batches that a caller sees in every list of batches."""
    return within_sight(
        actor,
        source=col(ArrivalBatch.source),
        organization_id=col(ArrivalBatch.organization_id),
        reception_place=col(ArrivalBatch.reception_place),
    )


def page_query(asked: Asked, seen: ColumnElement[bool], *, after: UUID | None, limit: int) -> SelectOfScalar[UUID]:
    """The ids of a page of batches, newest first, one more than `limit`."""

    def ids(*conditions: ColumnElement[bool]) -> SelectOfScalar[UUID]:
        query = select(ArrivalBatch.id).where(*conditions, seen, col(ArrivalBatch.cancelled_at).is_(None))
        if asked.area is not None:
            query = query.where(col(ArrivalBatch.reception_place).startswith(asked.area, autoescape=True))
        if after is not None:
            query = query.where(col(ArrivalBatch.id) < after)
        return query.order_by(col(ArrivalBatch.id).desc()).limit(limit + 1)

    status = col(ArrivalBatch.status)
    parts = [
        *(ids(status == one.value) for one in OPEN),
        ids(status == BatchStatus.INTAKE_COMPLETED.value, col(ArrivalBatch.landed_at) >= asked.since),
    ]
    found = union_all(*(select(part.subquery()) for part in parts)).subquery()
    newest: SelectOfScalar[UUID] = select(found.c.id)
    return newest.order_by(found.c.id.desc()).limit(limit + 1)


async def batches(
    session: AsyncSession, page: PageRequest, asked: Asked, *, actor: Actor, every: bool, vault: Vault
) -> Page[BatchProgressView]:
    """Open batches and those that landed since a time, newest first. `every`: those of all places and senders."""
    seen = true() if every else sight_of(actor)
    after = None if page.after is None else UUID(page.after[0])
    ids = page_query(asked, seen, after=after, limit=page.limit)
    if every:
        async with own_work(session):  # staff without reception places have no rows here, and see these numbers
            rows, counts, again = await _read(session, ids)
    else:
        rows, counts, again = await _read(session, ids)
    return page_of(
        rows,
        request=page,
        cursor_of=lambda row: [str(row.id)],
        view=lambda row: _view(row, counts[row.id], again.get(row.id, 0), vault),
    )


async def _read(
    session: AsyncSession, ids: SelectOfScalar[UUID]
) -> tuple[Sequence[ArrivalBatch], dict[UUID, EntryCounts], dict[UUID, int]]:
    found = (await session.exec(ids)).all()
    query = select(ArrivalBatch).where(col(ArrivalBatch.id).in_(found)).order_by(col(ArrivalBatch.id).desc())
    rows = (await session.exec(query)).all()
    batch_ids = [row.id for row in rows]
    return rows, await entry_counts(session, batch_ids), await returned_again(session, batch_ids)


def _view(row: ArrivalBatch, counts: EntryCounts, again: int, vault: Vault) -> BatchProgressView:
    words = words_of(row, vault.master)
    return BatchProgressView(
        batch_id=row.id,
        mode=None if row.mode is None else TransportMode(row.mode),
        carrier=words.carrier,
        origin=words.origin,
        reception_place=row.reception_place,
        expected_at=row.expected_at,
        landed_at=row.landed_at,
        status=BatchStatus(row.status),
        people_count=row.people_count,
        announced=counts.entries_count,
        registered=row.registered_count,
        absent=counts.absent_count,
        not_yet_met=counts.open_count,
        returned_again=again,
        intake_completed_at=row.intake_completed_at,
    )
