"""Store and end exclusions of private people."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.events.catalogue.kept_apart import PairEvent, PeopleKeptApart, PeopleKeptApartEnded
from libs.events.outbox import append
from services.registration.excluded_people.queries import TABLE, ends_told
from services.registration.excluded_people.schemas import ToldOfExcluded
from services.registration.excluded_people.tables import ExcludedPerson
from services.registration.vault.sealing import DataKey

# What the person told of somebody stays theirs. Only the link to a record that does not exist any more ends.
_FORGET_LINKS = """
    UPDATE excluded_person SET other_returnee_id = NULL WHERE other_returnee_id = $1 AND has_name
"""
# The rows are locked: somebody who ends the exclusion meanwhile waits, so the end is told after this.
_STILL_TOLD: Final = """
    SELECT id, returnee_id, other_returnee_id FROM excluded_person
    WHERE id = ANY($1::uuid[]) AND other_returnee_id IS NOT NULL ORDER BY id FOR SHARE
"""


async def exclude(
    session: AsyncSession, returnee_id: UUID, other_returnee_id: UUID | None, told: ToldOfExcluded, *, key: DataKey
) -> UUID:
    """Store that a person, whose row is locked, excludes somebody; return the id of the exclusion."""
    row_id = uuid7()
    sealed = key.seal(told.model_dump_json(exclude_none=True), table=TABLE, column=f"told.{row_id}")
    row = ExcludedPerson(
        id=row_id,
        returnee_id=returnee_id,
        other_returnee_id=other_returnee_id,
        has_name=told.name is not None,
        told_sealed=sealed,
        told_at=now(session),
    )
    session.add(row)
    await session.flush()
    await _tell(session, row, PeopleKeptApart)
    return row_id


async def end_exclusion(session: AsyncSession, row: ExcludedPerson) -> None:
    """Delete an exclusion."""
    await session.delete(row)
    await session.flush()
    await _tell(session, row, PeopleKeptApartEnded)


async def _tell(session: AsyncSession, row: ExcludedPerson, event: type[PairEvent]) -> None:
    """Tell referral which records are concerned. The event has no trace: that of a journey would say whose it is."""
    if row.other_returnee_id is not None:
        await append(session, [_told(event, row.id, row.returnee_id, row.other_returnee_id)], traceparents=[None])


async def tell_again(session: AsyncSession, exclusion_ids: Collection[UUID]) -> None:
    """Tell referral again of these exclusions, as far as they have not ended."""
    rows = await (await raw(session)).fetch(_STILL_TOLD, list(exclusion_ids))
    await append(session, [_told(PeopleKeptApart, *row) for row in rows], traceparents=[None for _ in rows])


async def tell_ends_again(session: AsyncSession, exclusion_ids: Collection[UUID]) -> None:
    """Tell referral again that these exclusions have ended, in the words of the first time: their rows are deleted."""
    events = await ends_told(session, exclusion_ids)
    await append(session, events, traceparents=[None for _ in events])


def _told(event: type[PairEvent], exclusion_id: UUID, returnee_id: UUID, other_returnee_id: UUID) -> PairEvent:
    first, second = sorted((returnee_id, other_returnee_id))
    return event(exclusion_id=exclusion_id, first_returnee_id=first, second_returnee_id=second)


async def forget_links(session: AsyncSession, returnee_id: UUID) -> None:
    """Nobody is linked any more to a person who is being erased."""
    await (await raw(session)).execute(_FORGET_LINKS, returnee_id)
