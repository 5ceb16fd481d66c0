"""What the members of a household have told of one kind, each for themselves or together."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.taxonomy.model import Taxonomy
from services.referral.lifecycles.rules import ASKED_OR_WITH_PROVIDER, in_sql

# From the needs to their households, and from their members to the needs of these, each step by a key. `OFFSET 0` keeps
# the planner from joining needs with needs by their category, which it does as long as a table has no statistics.
HOUSEHOLDS: Final = """
FROM need AS mine
CROSS JOIN LATERAL (SELECT household_id FROM journey WHERE returnee_id = mine.returnee_id OFFSET 0) AS journey
CROSS JOIN LATERAL (
    SELECT member_ids FROM household WHERE household_id = journey.household_id AND stay_together OFFSET 0
) AS household
CROSS JOIN unnest(household.member_ids) AS member(returnee_id)
"""
_TOLD: Final = f"""
SELECT mine.need_id, mine.category, mine.kind, other.need_id AS other_id, other.people_count,
    other.status = 'open' AS is_open, asked.provider_service_id
{HOUSEHOLDS}
CROSS JOIN LATERAL (
    SELECT need_id, people_count, status FROM need
    WHERE returnee_id = member.returnee_id AND status IN ('open', 'met')
      AND category = mine.category AND kind IS NOT DISTINCT FROM mine.kind OFFSET 0
) AS other
LEFT JOIN LATERAL (
    SELECT offer.provider_service_id FROM referral JOIN offer ON offer.offer_id = referral.offer_id
    WHERE referral.need_id = other.need_id AND referral.status IN {in_sql(ASKED_OR_WITH_PROVIDER)} OFFSET 0
) AS asked ON true
WHERE mine.need_id = ANY($1::uuid[])
"""  # noqa: S608 (constants)


@dataclass(slots=True)
class Told:
    """What the household of a need has told of the same kind, itself included."""

    people_count: int = 0
    """The number of people of those needs that are open."""
    people_ever: int = 0
    """The same with the needs that are met already."""
    others: set[UUID] = field(default_factory=set)
    """The needs of the others."""
    at: set[UUID] = field(default_factory=set)
    """The services that are asked for the others, or serve them."""


async def told_together(session: AsyncSession, taxonomy: Taxonomy, need_ids: Collection[UUID]) -> dict[UUID, Told]:
    """By need: what its household has told of the same kind. Needs that need not go to one service are left out."""
    found: dict[UUID, Told] = {}
    counted = set()
    for row in await (await raw(session)).fetch(_TOLD, list(need_ids)):
        if not taxonomy.keeps_together(row["category"], row["kind"]):
            continue
        told = found.setdefault(row["need_id"], Told())
        if (row["need_id"], row["other_id"]) not in counted:
            counted.add((row["need_id"], row["other_id"]))
            told.people_ever += row["people_count"]
            told.people_count += row["people_count"] if row["is_open"] else 0
        if row["other_id"] != row["need_id"] and row["is_open"]:
            told.others.add(row["other_id"])
            if row["provider_service_id"] is not None:
                told.at.add(row["provider_service_id"])
    return found
