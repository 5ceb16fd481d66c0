"""Needs of one kind that several members of a household have told, each for themselves: they go to one service.

A household may want to stay together. The pack says for which kinds this means one service (`together`), such as a bus:
a child never travels with another carrier than the parents only because each of them told the need singly. The
referrals of such needs that can be placed now are chosen as one need and offered together. A need that is told later
may go only where the others of the household go.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.taxonomy.model import Taxonomy
from services.referral.candidates.choice import Candidate
from services.referral.candidates.facts import Need
from services.referral.candidates.pools import divided
from services.referral.journeys.facts import UNTIL_TOLD, Referral
from services.referral.journeys.households import HOUSEHOLDS, Told
from services.referral.lifecycles.rules import ROUTED, in_sql
from services.referral.router.picks import Picked

_OTHERS: Final = f"""
SELECT mine.category, mine.kind, other.referral_id, other.returnee_id
{HOUSEHOLDS}
JOIN referral AS picked ON picked.need_id = mine.need_id AND picked.referral_id = ANY($1::uuid[])
    AND picked.household_id IS NULL
CROSS JOIN LATERAL (
    SELECT referral_id, returnee_id FROM referral
    WHERE returnee_id = member.returnee_id AND category = mine.category AND kind IS NOT DISTINCT FROM mine.kind
      AND referral_id <> ALL($1::uuid[]) AND household_id IS NULL AND status IN {in_sql(ROUTED)}
      AND searching_since IS NULL AND (ready_at IS NOT NULL OR tried_supply < $2) OFFSET 0
) AS other
WHERE mine.need_id = ANY(SELECT need_id FROM referral WHERE referral_id = ANY($1::uuid[]))
"""  # noqa: S608 (constants)
_LOCKED: Final = """
SELECT returnee_id FROM journey WHERE returnee_id = ANY($1::uuid[]) AND profile IS NOT NULL
ORDER BY returnee_id FOR UPDATE SKIP LOCKED
"""


async def others_of(session: AsyncSession, taxonomy: Taxonomy, picked: Sequence[Picked]) -> list[Picked]:
    """The referrals that must be placed together with the picked ones and can be placed now; their journeys are locked.
    A referral that waits for a changed supply is one of them: the household may be complete now."""
    connection = await raw(session)
    rows = await connection.fetch(_OTHERS, [one.referral_id for one in picked], UNTIL_TOLD)
    found = {
        row["referral_id"]: row["returnee_id"] for row in rows if taxonomy.keeps_together(row["category"], row["kind"])
    }
    if not found:
        return []
    locked = {row["returnee_id"] for row in await connection.fetch(_LOCKED, sorted(set(found.values())))}
    return [Picked(key, returnee_id, None) for key, returnee_id in found.items() if returnee_id in locked]


def groups(
    referrals: Iterable[Referral], told: Mapping[UUID, Told], details: Mapping[UUID, object]
) -> list[list[Referral]]:
    """The referrals of a round in their order, those that must be placed together in one group, at the place of the
    first. Needs with other details are other needs, such as a journey to another place; they are not in the group.

    `details`: the values of the details, by need.
    """
    found: list[list[Referral]] = []
    of_need: dict[UUID, list[Referral]] = {}
    for referral in referrals:
        others = told[referral.need_id].others if referral.need_id in told else set()
        group = next(
            (of_need[one] for one in others if one in of_need and details[one] == details[referral.need_id]), None
        )
        if group is None or referral.household_id is not None or group[0].household_id is not None:
            group = []
            found.append(group)
        group.append(referral)
        of_need[referral.need_id] = group
    return found


def leads(told: Mapping[UUID, Told], need_id: UUID, service_id: UUID) -> None:
    """Record that this need is offered to a service in this round: the others of its household may go only there, also
    those that are not in its group."""
    for other in told[need_id].others if need_id in told else ():
        if other in told:
            told[other].at.add(service_id)


def merged(needs: Sequence[Need]) -> Need:
    """The needs of a group as one need, for all of its people. What excludes one of them excludes all."""
    first, *others = needs
    if not others:
        return first
    return replace(
        first,
        people=tuple(person for one in needs for person in one.people),
        people_count=sum(one.people_count for one in needs),
        consented=all(one.consented for one in needs),
        consented_organizations=_named_by_all(needs),
        approved_for=frozenset().union(*(one.approved_for for one in needs)),
        ring=max(one.ring for one in needs),
        household_at=frozenset().union(*(one.household_at for one in needs)),
        refused_by={service: code for one in needs for service, code in one.refused_by.items()},
        conflicting_organizations=frozenset().union(*(one.conflicting_organizations for one in needs)),
        providers_of_person=frozenset().union(*(one.providers_of_person for one in needs)),
    )


def _named_by_all(needs: Sequence[Need]) -> frozenset[UUID]:
    others = [one.consented_organizations for one in needs if not one.consented]
    return frozenset.intersection(*others) if others else frozenset()


def for_each(candidate: Candidate, needs: Sequence[Need]) -> list[Candidate]:
    """The candidate of a group for each of its needs, with the places of that need."""
    if len(needs) == 1:
        return [candidate]
    return [replace(candidate, shares=shares) for shares in divided(candidate.shares, needs)]
