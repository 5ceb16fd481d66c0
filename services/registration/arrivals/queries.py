"""Arrival batches: rows, counts, views."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest, page_of
from libs.events.codes import TransportMode
from services.registration.arrivals.rules import BatchStatus, CancelReason, IntakeCounts
from services.registration.arrivals.schemas import ArrivalBatchView, Coming, ReturneeIntake, Sender
from services.registration.arrivals.tables import ArrivalBatch, Words, words_of
from services.registration.audit.rules import Actor
from services.registration.manifests.queries import entry_counts
from services.registration.manifests.schemas import EntryCounts
from services.registration.needs.restricted import count_of_batch
from services.registration.people.queries import within_sight
from services.registration.vault.sealing import Vault
from services.registration.wristbands.queries import bands_of_codes, open_bands

_TOTALS = """
    SELECT (SELECT count(*) FROM returnee WHERE arrival_batch_id = $1) AS returnees,
           (SELECT count(*) FROM need WHERE arrival_batch_id = $1) AS needs
"""


def visible_batches(actor: Actor) -> ColumnElement[bool]:
    """The condition for batches that a caller may see."""
    return within_sight(
        actor,
        source=col(ArrivalBatch.source),
        organization_id=col(ArrivalBatch.organization_id),
        reception_place=col(ArrivalBatch.reception_place),
    )


async def batch(session: AsyncSession, batch_id: UUID, *, actor: Actor, lock: bool = False) -> ArrivalBatch:
    """One batch; NotFound if it belongs to another organisation."""
    query = select(ArrivalBatch).where(ArrivalBatch.id == batch_id, visible_batches(actor))
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = (await session.exec(query)).first()
    if found is None:
        raise NotFound
    return found


class NamedBand(NamedTuple):
    """The band under which somebody is registered, and its batch; both None if no band is named."""

    wristband_id: UUID | None
    batch_id: UUID | None


async def named_bands(session: AsyncSession, codes: Collection[str], *, actor: Actor) -> dict[str, NamedBand]:
    """The bands with these codes, except those that do not exist or whose batch the caller may not see."""
    found = await bands_of_codes(session, codes)
    seen = await seen_batches(session, {band.arrival_batch_id for band in found.values()}, actor=actor)
    return {
        code: NamedBand(band.id, band.arrival_batch_id) for code, band in found.items() if band.arrival_batch_id in seen
    }


async def coming(session: AsyncSession, body: ReturneeIntake, sender: Sender, *, reference: str) -> Coming:
    """A person as somebody at the gate describes them, with this reference of the sender. NotFound if the band that is
    named does not exist, or if the caller may not see its batch."""
    codes = [] if body.wristband is None else [body.wristband]
    return coming_under(await named_bands(session, codes, actor=sender.actor), body, sender, reference=reference)


def coming_under(bands: Mapping[str, NamedBand], body: ReturneeIntake, sender: Sender, *, reference: str) -> Coming:
    """The same for bands that were looked up already. The batch of a named band counts if no other batch is named."""
    if body.wristband is not None and body.wristband not in bands:
        raise NotFound
    band = NamedBand(None, None) if body.wristband is None else bands[body.wristband]
    batch_id = body.arrival_batch_id or (None if body.batch_reference is not None else band.batch_id)
    return Coming(body.as_arrival(reference), sender, arrival_batch_id=batch_id, wristband_id=band.wristband_id)


async def seen_batches(session: AsyncSession, batch_ids: Collection[UUID], *, actor: Actor) -> set[UUID]:
    """The batches among these that the caller may see."""
    if not batch_ids:
        return set()
    query = select(ArrivalBatch.id).where(col(ArrivalBatch.id).in_(list(batch_ids)), visible_batches(actor))
    return set((await session.exec(query)).all())


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
        open_wristbands=(await open_bands(session, [row.id]))[row.id],
    )


async def totals(session: AsyncSession, batch_id: UUID, *, vault: Vault) -> tuple[int, int]:
    """How many returnees and needs of a batch have been reported, restricted needs included."""
    row = await (await raw(session)).fetchrow(_TOTALS, batch_id)
    assert row is not None, "a row of two counts"
    return row["returnees"], row["needs"] + await count_of_batch(session, batch_id, vault=vault)


async def batch_view(session: AsyncSession, batch_id: UUID, *, actor: Actor, vault: Vault) -> ArrivalBatchView:
    """One batch with its counts."""
    row = await batch(session, batch_id, actor=actor)
    counts, bands = await entry_counts(session, [row.id]), await open_bands(session, [row.id])
    return _view(row, words_of(row, vault.master), counts[row.id], bands[row.id])


async def batches(
    session: AsyncSession, page: PageRequest, *, status: BatchStatus | None, actor: Actor, vault: Vault
) -> Page[ArrivalBatchView]:
    """Batches, newest first."""
    query = select(ArrivalBatch).where(visible_batches(actor))
    if status is not None:
        query = query.where(ArrivalBatch.status == status.value)
    if page.after is not None:
        query = query.where(col(ArrivalBatch.id) < UUID(page.after[0]))
    rows = (await session.exec(query.order_by(col(ArrivalBatch.id).desc()).limit(page.limit + 1))).all()
    ids = [row.id for row in rows]
    counts, bands = await entry_counts(session, ids), await open_bands(session, ids)

    def view(row: ArrivalBatch) -> ArrivalBatchView:
        return _view(row, words_of(row, vault.master), counts[row.id], bands[row.id])

    return page_of(rows, request=page, cursor_of=lambda row: [str(row.id)], view=view)


async def manifests_due(session: AsyncSession, *, at: datetime, limit: int) -> list[ArrivalBatch]:
    """Batches whose manifest must be deleted because of its age, locked. Rows that others have locked are skipped."""
    query = select(ArrivalBatch).where(col(ArrivalBatch.manifest_until) <= at)
    query = query.order_by(col(ArrivalBatch.manifest_until)).limit(limit)
    return list((await session.exec(query.with_for_update(key_share=True, skip_locked=True))).all())


def _view(row: ArrivalBatch, words: Words, counts: EntryCounts, open_wristbands: int) -> ArrivalBatchView:
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
        open_wristbands=open_wristbands,
        intake_completed_at=row.intake_completed_at,
        cancelled_at=row.cancelled_at,
        cancelled_because=None if row.cancelled_because is None else CancelReason(row.cancelled_because),
        diverted_from=row.diverted_from,
        created_at=row.created_at,
    )
