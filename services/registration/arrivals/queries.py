"""Arrival batches: rows, counts, views."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest, page_of
from libs.events.codes import TransportMode
from services.registration.arrivals.rules import BatchStatus, IntakeCounts
from services.registration.arrivals.schemas import ArrivalBatchView
from services.registration.arrivals.tables import ArrivalBatch, Words, words_of
from services.registration.audit.rules import Actor
from services.registration.manifests.queries import entry_counts
from services.registration.manifests.schemas import EntryCounts
from services.registration.needs.restricted import count_of_batch
from services.registration.people.queries import within_sight
from services.registration.vault.sealing import Vault

_TOTALS = """
    SELECT (SELECT count(*) FROM returnee WHERE arrival_batch_id = $1) AS returnees,
           (SELECT count(*) FROM need WHERE arrival_batch_id = $1) AS needs
"""


def _visible_to(actor: Actor) -> ColumnElement[bool]:
    return within_sight(
        actor,
        source=col(ArrivalBatch.source),
        organization_id=col(ArrivalBatch.organization_id),
        reception_place=col(ArrivalBatch.reception_place),
    )


async def batch(session: AsyncSession, batch_id: UUID, *, actor: Actor, lock: bool = False) -> ArrivalBatch:
    """One batch; NotFound if it belongs to another organisation."""
    query = select(ArrivalBatch).where(ArrivalBatch.id == batch_id, _visible_to(actor))
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = (await session.exec(query)).first()
    if found is None:
        raise NotFound
    return found


async def locked_batches(session: AsyncSession, batch_ids: Collection[UUID]) -> list[ArrivalBatch]:
    """The current rows of these batches, locked in the order of their ids."""
    query = select(ArrivalBatch).where(col(ArrivalBatch.id).in_(list(batch_ids))).order_by(col(ArrivalBatch.id))
    locking = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return list((await session.exec(locking)).all())


async def intake_counts(session: AsyncSession, row: ArrivalBatch) -> IntakeCounts:
    """The progress of the intake of a batch. Lock the batch first if a decision depends on the result."""
    entries = (await entry_counts(session, [row.id]))[row.id]
    return IntakeCounts(
        people_count=row.people_count,
        registered_count=row.registered_count,
        entries_count=entries.entries_count,
        open_count=entries.open_count,
    )


async def totals(session: AsyncSession, batch_id: UUID, *, vault: Vault) -> tuple[int, int]:
    """How many returnees and needs of a batch have been reported, restricted needs included."""
    row = await (await raw(session)).fetchrow(_TOTALS, batch_id)
    assert row is not None, "a row of two counts"
    return row["returnees"], row["needs"] + await count_of_batch(session, batch_id, vault=vault)


async def batch_view(session: AsyncSession, batch_id: UUID, *, actor: Actor, vault: Vault) -> ArrivalBatchView:
    """One batch with its counts."""
    row = await batch(session, batch_id, actor=actor)
    return _view(row, words_of(row, vault.master), (await entry_counts(session, [row.id]))[row.id])


async def batches(
    session: AsyncSession, page: PageRequest, *, status: BatchStatus | None, actor: Actor, vault: Vault
) -> Page[ArrivalBatchView]:
    """Batches, newest first."""
    query = select(ArrivalBatch).where(_visible_to(actor))
    if status is not None:
        query = query.where(ArrivalBatch.status == status.value)
    if page.after is not None:
        query = query.where(col(ArrivalBatch.id) < UUID(page.after[0]))
    rows = (await session.exec(query.order_by(col(ArrivalBatch.id).desc()).limit(page.limit + 1))).all()
    counts = await entry_counts(session, [row.id for row in rows])

    def view(row: ArrivalBatch) -> ArrivalBatchView:
        return _view(row, words_of(row, vault.master), counts[row.id])

    return page_of(rows, request=page, cursor_of=lambda row: [str(row.id)], view=view)


async def manifests_due(session: AsyncSession, *, at: datetime, limit: int) -> list[ArrivalBatch]:
    """Batches whose manifest must be deleted because of its age, locked. Rows that others have locked are skipped."""
    query = select(ArrivalBatch).where(col(ArrivalBatch.manifest_until) <= at)
    query = query.order_by(col(ArrivalBatch.manifest_until)).limit(limit)
    return list((await session.exec(query.with_for_update(key_share=True, skip_locked=True))).all())


def _view(row: ArrivalBatch, words: Words, counts: EntryCounts) -> ArrivalBatchView:
    return ArrivalBatchView(
        id=row.id,
        sender_reference=words.sender_reference,
        status=BatchStatus(row.status),
        mode=None if row.mode is None else TransportMode(row.mode),
        carrier=words.carrier,
        origin=words.origin,
        reception_place=row.reception_place,
        expected_at=row.expected_at,
        landed_at=row.landed_at,
        people_count=row.people_count,
        entries_count=counts.entries_count,
        registered_count=row.registered_count,
        absent_count=counts.absent_count,
        open_count=counts.open_count,
        intake_completed_at=row.intake_completed_at,
        created_at=row.created_at,
    )
