"""What the members of a household have told of one kind, each for themselves or together."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.taxonomy.model import Taxonomy
from services.referral.lifecycles.rules import ASKED_OR_WITH_PROVIDER, in_sql

# Begins at the needs, and reads the needs of the members of their households only.
_TOLD: Final = f"""
SELECT mine.need_id, mine.category, mine.kind, other.need_id AS other_id, other.people_count,
    other.status = 'open' AS is_open, offer.provider_service_id
FROM need AS mine JOIN journey USING (returnee_id)
JOIN household ON household.household_id = journey.household_id AND household.stay_together
JOIN need AS other ON other.returnee_id = ANY(household.member_ids) AND other.status IN ('open', 'met')
    AND other.category = mine.category AND other.kind IS NOT DISTINCT FROM mine.kind
LEFT JOIN referral ON referral.need_id = other.need_id AND referral.status IN {in_sql(ASKED_OR_WITH_PROVIDER)}
LEFT JOIN offer ON offer.offer_id = referral.offer_id
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
