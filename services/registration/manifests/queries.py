"""Queries of manifests: entries and their counts."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.errors import NotFound
from libs.chassis.paging import PageRequest
from libs.events.codes import Sex
from services.registration.manifests.rules import AbsenceReason, EntryStatus
from services.registration.manifests.schemas import EntryCounts, ManifestEntryView
from services.registration.manifests.tables import ManifestEntry
from services.registration.vault.sealing import DataKey

SEALED = ("sender_reference", "given_names", "family_names", "birth_date")
_COUNTS = """
    SELECT arrival_batch_id, count(*) AS entries_count,
           count(*) FILTER (WHERE status = 'expected') AS open_count,
           count(*) FILTER (WHERE status = 'absent') AS absent_count
    FROM manifest_entry WHERE arrival_batch_id = ANY($1) GROUP BY arrival_batch_id
"""


async def entry(session: AsyncSession, entry_id: UUID, *, batch_id: UUID) -> ManifestEntry:
    """One entry of a batch's manifest, or NotFound."""
    found = await session.get(ManifestEntry, entry_id)
    if found is None or found.arrival_batch_id != batch_id:
        raise NotFound
    return found


async def entries(session: AsyncSession, batch_id: UUID, page: PageRequest) -> Sequence[ManifestEntry]:
    """The entries of a manifest in the order of the announcement, one more than the page contains."""
    query = select(ManifestEntry).where(ManifestEntry.arrival_batch_id == batch_id)
    if page.after is not None:
        query = query.where(col(ManifestEntry.id) > UUID(page.after[0]))
    return (await session.exec(query.order_by(col(ManifestEntry.id)).limit(page.limit + 1))).all()


def entry_view(row: ManifestEntry, key: DataKey | None) -> ManifestEntryView:
    """An entry, with its names decrypted while there is a key."""

    def opened(column: str) -> str | None:
        sealed = getattr(row, f"{column}_sealed")
        return None if key is None else key.open_or_none(sealed, table="manifest_entry", column=column)

    return ManifestEntryView(
        id=row.id,
        status=EntryStatus(row.status),
        absent_because=(
            AbsenceReason(row.absent_because) if row.status == EntryStatus.ABSENT and row.absent_because else None
        ),
        returnee_id=row.returnee_id,
        sender_reference=opened("sender_reference"),
        given_names=opened("given_names"),
        family_names=opened("family_names"),
        birth_date=opened("birth_date"),
        sex=Sex(row.sex),
        nationality=row.nationality,
    )


async def entry_counts(session: AsyncSession, batch_ids: Sequence[UUID]) -> dict[UUID, EntryCounts]:
    """The counts of entries of each batch; zero for a batch without entries."""
    rows = await (await raw(session)).fetch(_COUNTS, list(batch_ids))
    found = {
        row["arrival_batch_id"]: EntryCounts(row["entries_count"], row["open_count"], row["absent_count"])
        for row in rows
    }
    return {batch_id: found.get(batch_id, EntryCounts()) for batch_id in batch_ids}
