"""What a round reads about its referrals, and about those that wait but are not in the round."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.consents.policy import ConsentPolicy
from libs.events.codes import NeedCategory, Urgency
from libs.taxonomy.model import Taxonomy
from services.referral.candidates import facts as candidates
from services.referral.candidates.facts import Service
from services.referral.journeys import queries as journeys
from services.referral.journeys.facts import Household, Journey, Need, Referral
from services.referral.journeys.households import Told, told_together
from services.referral.kept_apart.rules import Apart
from services.referral.lifecycles.rules import LIVE_OFFER, ROUTED, STANDING_OFFER, in_sql
from services.referral.pack.policy import RoutingPolicy
from services.referral.providers import queries as providers
from services.referral.router.picks import ASLEEP, OPEN, SUPPLY, WHO, Picked
from services.referral.router.rules import Line, Pace, Waiting
from services.referral.steps.people import allowed_by, household_of, person_of, to_route, with_them
from services.referral.steps.prerequisites import DocumentNeed

UNSEEN_MAX: Final = 2000
"""The maximum number of waiting referrals outside the round for which it sets places aside."""
OPEN_OFFERS_MAX: Final = 100
"""Up to this number of unanswered offers of a service are counted. A service with more of them is as unlikely to get
the next offer: of the score's part for fairness less than a tenth is left (`candidates.score`)."""

_UNSEEN = f"""
SELECT referral.referral_id, referral.urgency_rank, referral.waiting_since, pool_ids, pool_places
{
    WHO.format(
        routed=in_sql(ROUTED),
        joined=SUPPLY + " JOIN waitlist_entry USING (referral_id)",
        waiting=f"{ASLEEP} AND pool_ids && $4::uuid[] AND referral_id <> ALL($5::uuid[])",
        open=OPEN,
    )
}
"""

_QUEUED = "SELECT DISTINCT category FROM waitlist_entry WHERE pool_ids && $1::uuid[]"
_KEPT = """
SELECT referral_id, urgency_rank, waiting_since, pool_ids, pool_places, pool_id AS kept_pool_id, over
FROM kept_pool JOIN waitlist_entry USING (referral_id)
"""

_REFERRALS = f"""
SELECT {", ".join(one.name for one in fields(Referral))} FROM referral
WHERE referral_id = ANY($1::uuid[]) AND status IN {in_sql(ROUTED)}
ORDER BY urgency_rank, waiting_since, referral_id
"""  # noqa: S608 (names come from our own code)
_NEEDS = f"SELECT {', '.join(one.name for one in fields(Need))} FROM need WHERE need_id = ANY($1::uuid[])"  # noqa: S608

_SERVING = f"""
SELECT returnee_id, organization_id FROM offer
WHERE returnee_id = ANY($1::uuid[]) AND status IN {in_sql(STANDING_OFFER)}
"""  # noqa: S608 (constants)

_EXCLUSIONS = "SELECT need_id, provider_service_id, code FROM exclusion WHERE need_id = ANY($1::uuid[])"

# Counted up to a limit, so that the cost of a round stays flat when many providers are silent.
_OPEN_OFFERS = f"""
SELECT asked.provider_service_id, found.offers
FROM unnest($1::uuid[]) AS asked (provider_service_id) CROSS JOIN LATERAL (
    SELECT count(*) AS offers FROM (
        SELECT FROM offer
        WHERE offer.provider_service_id = asked.provider_service_id AND status IN {in_sql(LIVE_OFFER)} LIMIT $2
    ) AS live
) AS found
WHERE found.offers > 0
"""  # noqa: S608 (constants)

_ANSWERED = """
SELECT provider_service_id, count(*) AS made,
    count(*) FILTER (WHERE status IN ('accepted', 'declined')) AS answered
FROM offer WHERE made_at > $1 AND status IN ('accepted', 'declined', 'expired')
GROUP BY provider_service_id
"""

_DOCUMENT_NEEDS = """
SELECT returnee_id, need_id, category, kind, status = 'open' AS is_open FROM need
WHERE returnee_id = ANY($1::uuid[]) AND status IN ('open', 'met')
ORDER BY returnee_id, reported_at
"""

# For each service this reads only as many index entries as the limit, however large the table is.
_RECENT = """
SELECT asked.provider_service_id, array(
    SELECT made_at FROM offer
    WHERE offer.provider_service_id = asked.provider_service_id AND made_at > $2 ORDER BY made_at DESC LIMIT $3
) AS made_at FROM unnest($1::uuid[]) AS asked(provider_service_id)
"""


@dataclass(slots=True)
class Placing:
    """All data that a round needs about its referrals."""

    referrals: list[Referral]
    """In the order of the round: by urgency, then by waiting time."""
    needs: dict[UUID, Need]
    journeys: dict[UUID, Journey]
    """The journeys of the reference persons of the referrals, and of all members of their households."""
    households: dict[UUID, Household]
    refused_by: dict[UUID, dict[UUID, str]] = field(default_factory=dict)
    """By need: the services that are not asked again, with the code of the reason."""
    conflicts: dict[UUID, set[UUID]] = field(default_factory=dict)
    """By returnee: organisations that declared a conflict of interest."""
    serving: dict[UUID, set[UUID]] = field(default_factory=dict)
    """By returnee: organisations that serve them or are asked to."""
    told: dict[UUID, Told] = field(default_factory=dict)
    """By need: what the household has told of the same kind, if it must go to one service."""
    apart: Apart = field(default_factory=Apart)
    """Who must be kept apart from these people, and where they are. What the round is about to offer is added."""

    def people_of(self, referral: Referral) -> list[UUID]:
        """The people of the referral, the reference person first."""
        return [one.returnee_id for one in with_them(referral, self.journeys, self.households)]


async def waiting(
    session: AsyncSession, *, changed: Mapping[str, int], pool_ids: Collection[UUID], picked: Collection[UUID]
) -> list[Waiting]:
    """Referrals in the queues of these pools that were not picked, because their journey was locked or the limit of the
    round was reached; and all referrals for which a pool is kept."""
    connection = await raw(session)
    unseen = await connection.fetch(
        _UNSEEN, UNSEEN_MAX, list(changed), list(changed.values()), list(pool_ids), list(picked)
    )
    found = {row["referral_id"]: row for row in (*unseen, *await connection.fetch(_KEPT))}
    return [
        Waiting(**{**row, "pool_ids": tuple(row["pool_ids"]), "pool_places": tuple(row["pool_places"])})
        for row in found.values()
    ]


async def queued_for(session: AsyncSession, services: Iterable[Service]) -> set[NeedCategory]:
    """The categories in whose queues somebody waits for a pool of these services that has free places."""
    free = [pool.pool_id for service in services for pool in service.pools if pool.free > 0]
    return {row["category"] for row in await (await raw(session)).fetch(_QUEUED, free)}


async def line(session: AsyncSession, placing: Placing, services: Iterable[Service], supply: Mapping[str, int]) -> Line:
    """The queues of this round's categories, used to set places aside for referrals that are ahead."""
    pools = {pool.pool_id: pool for service in services for pool in service.pools}
    free = [pool_id for pool_id, pool in pools.items() if pool.free > 0]
    looked_at = {referral.referral_id for referral in placing.referrals}
    categories = {referral.category for referral in placing.referrals}
    changed = {category: count for category, count in supply.items() if category in categories}
    return Line(pools, await waiting(session, changed=changed, pool_ids=free, picked=looked_at), looked_at=looked_at)


async def to_place(session: AsyncSession, picked: Sequence[Picked], taxonomy: Taxonomy) -> Placing:
    """The data about these referrals. Their journeys are locked, so it does not change until the round ends."""
    connection = await raw(session)
    rows = await connection.fetch(_REFERRALS, [one.referral_id for one in picked])
    referrals = [journeys.referral_of(row) for row in rows]
    need_ids = [referral.need_id for referral in referrals]
    needs = {row["need_id"]: journeys.need_of(row) for row in await connection.fetch(_NEEDS, need_ids)}
    returnee_ids = {referral.returnee_id for referral in referrals}
    heads = await journeys.heads(session, returnee_ids)
    concerned = {head.household_id for head in heads.values()} | {referral.household_id for referral in referrals}
    known = await journeys.households(session, {one for one in concerned if one is not None})
    placing = Placing(referrals, needs, heads, known)
    await read_refusals(session, placing)
    placing.told = await told_together(session, taxonomy, need_ids)
    await _read_serving(session, placing)
    return placing


async def to_place_at_once(
    session: AsyncSession, referrals: Sequence[Referral], known: Mapping[UUID, Journey]
) -> Placing:
    """The data about these referrals of people without a household, in the order of a round. They were opened in this
    transaction, which has locked their journeys; their rows need not be written yet."""
    ordered = sorted(referrals, key=lambda one: (one.urgency_rank, one.waiting_since, one.referral_id))
    needs = {one.need_id: known[one.returnee_id].needs[one.need_id] for one in ordered}
    placing = Placing(ordered, needs, {one.returnee_id: known[one.returnee_id] for one in ordered}, {})
    await read_refusals(session, placing)
    await _read_serving(session, placing)
    return placing


async def _read_serving(session: AsyncSession, placing: Placing) -> None:
    people = {referral.returnee_id for referral in placing.referrals}
    for row in await (await raw(session)).fetch(_SERVING, list(people)):
        placing.serving.setdefault(row["returnee_id"], set()).add(row["organization_id"])


async def read_refusals(session: AsyncSession, placing: Placing) -> None:
    """Read which services have refused these needs, and which organisations have a conflict with these people."""
    connection = await raw(session)
    for row in await connection.fetch(_EXCLUSIONS, [referral.need_id for referral in placing.referrals]):
        placing.refused_by.setdefault(row["need_id"], {})[row["provider_service_id"]] = row["code"]
    people = {referral.returnee_id for referral in placing.referrals}
    for referral in placing.referrals:
        if referral.household_id is not None:
            people.update(placing.households[referral.household_id].member_ids)
    placing.conflicts = await providers.conflicts_of(session, people)


async def open_offers(session: AsyncSession, provider_service_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many offers wait for an answer, by service, counted up to `OPEN_OFFERS_MAX`."""
    rows = await (await raw(session)).fetch(_OPEN_OFFERS, list(provider_service_ids), OPEN_OFFERS_MAX)
    return {row["provider_service_id"]: row["offers"] for row in rows}


async def recent_offers(
    session: AsyncSession, provider_service_ids: Collection[UUID], *, since: datetime, limit: int
) -> dict[UUID, list[datetime]]:
    """By service: the times of its latest offers since then, at most `limit`, the oldest first."""
    rows = await (await raw(session)).fetch(_RECENT, list(provider_service_ids), since, limit)
    return {row["provider_service_id"]: row["made_at"][::-1] for row in rows if row["made_at"]}


async def pace(
    session: AsyncSession, services: Iterable[Service], placing: Placing, policy: RoutingPolicy, at: datetime
) -> Pace:
    """The recent offers of the services, for the pacing of this round's non-urgent offers."""
    categories = {one.category for one in placing.referrals if one.urgency is Urgency.NORMAL}
    if policy.pacing is None or not categories:
        return Pace(None, at, {})
    asked = [one.view.provider_service_id for one in services if one.view.category in categories]
    since = at - timedelta(seconds=policy.pacing.per_seconds)
    recent = await recent_offers(session, asked, since=since, limit=policy.pacing.offers_per_service)
    return Pace(policy.pacing, at, recent)


async def answer_records(session: AsyncSession, *, since: datetime) -> dict[UUID, tuple[int, int]]:
    """By service: how many of its offers since then have ended with an answer or by expiry, and how many with an
    answer."""
    rows = await (await raw(session)).fetch(_ANSWERED, since)
    return {row["provider_service_id"]: (row["made"], row["answered"]) for row in rows}


async def document_needs(session: AsyncSession, returnee_ids: Collection[UUID]) -> dict[UUID, list[DocumentNeed]]:
    """The open and met needs of each of these returnees, the oldest first. Some of them may yield a document."""
    found: dict[UUID, list[DocumentNeed]] = {}
    for row in await (await raw(session)).fetch(_DOCUMENT_NEEDS, list(returnee_ids)):
        told = DocumentNeed(row["need_id"], row["category"], row["kind"], row["is_open"])
        found.setdefault(row["returnee_id"], []).append(told)
    return found


def as_candidate(
    placing: Placing, need: Need, referral: Referral, consents: ConsentPolicy, *, at: datetime
) -> candidates.Need:
    """The need with all people that it is for, the reference person first."""
    journey = placing.journeys[referral.returnee_id]
    profile = journey.profile or {}
    household = household_of(journey, placing.households)
    told = placing.told.get(need.need_id, Told())
    together = with_them(referral, placing.journeys, placing.households)
    routed = to_route(
        need,
        [person_of(one.profile) for one in together if one.profile is not None],
        profile=profile,
        household_size=1 if household is None else household.expected_size,
        stay_together=household is not None and household.stay_together,
        told_people=told.people_count,
        household_at=frozenset(told.at),
        allowed=allowed_by(together, consents.gate_of(need.category), at=at),
        approved_for=referral.approved_for,
        ring=referral.ring,
        refused_by=placing.refused_by.get(need.need_id, {}),
        conflicting_organizations=frozenset().union(*(placing.conflicts.get(one.returnee_id, ()) for one in together)),
        providers_of_person=frozenset(placing.serving.get(referral.returnee_id, ())),
    )
    return replace(routed, kept_apart=placing.apart.of(placing.people_of(referral)))
