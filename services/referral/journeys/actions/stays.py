"""Writes what the steps of stays have decided."""

from collections.abc import Sequence
from dataclasses import fields

from pydantic_core import to_json
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from services.referral.database import Columns, columns_of, insert_columns, update_columns
from services.referral.journeys.facts import Stay
from services.referral.journeys.tables.stays import StayRow
from services.referral.journeys.work import StayEnd, Work
from services.referral.lifecycles.exit_plan import as_document

_STAY = tuple(field.name for field in fields(Stay) if field.name != "checklist")
_STAY_CHANGING = ("ends_at", "leaves_at", "extended_hours", "next_step", "without_next_step", "version")

# A stay may end twice: its referral was completed first and entered in error later. It then keeps its first end.
_END_STAYS = """
UPDATE stay SET ended_at = coalesce(ended_at, $3), leaves_at = coalesce(ended_at, $3),
    without_next_step = without_next_step AND leaving, version = version + 1
FROM unnest($1::uuid[], $2::bool[]) AS ended(referral_id, leaving) WHERE stay.referral_id = ended.referral_id
"""


async def write(session: AsyncSession, work: Work) -> None:
    """Write the stays that begin, change or end, with one statement for each of the three."""
    begun = columns_of(work.stays_begun, _STAY)
    await insert_columns(session, StayRow, {**begun, **_checklists(work.stays_begun)})
    changed = list(work.stays_changed.values())
    kept = columns_of(changed, ("referral_id", *_STAY_CHANGING))
    await update_columns(session, StayRow, {**kept, **_checklists(changed)}, key="referral_id")
    if work.stays_ended:
        ended = columns_of(list(work.stays_ended.values()), StayEnd._fields)
        await (await raw(session)).execute(_END_STAYS, *ended.values(), work.at)


def _checklists(stays: Sequence[Stay]) -> Columns:
    return {"checklist": [to_json(as_document(stay.checklist)).decode() for stay in stays]} if stays else {}
