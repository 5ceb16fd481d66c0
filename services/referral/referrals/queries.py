"""Reads the referrals that the caller may see."""

from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.errors import NotFound
from services.referral.access import Rights
from services.referral.clocks.rules import TimerKind
from services.referral.journeys.queries import COMPLETE_HOUSEHOLD
from services.referral.lifecycles.rules import ReferralStatus
from services.referral.pack.policy import RoutingPolicy
from services.referral.referrals.schemas import ReferralView
from services.referral.waitlists import queries as waitlists

# A provider sees a referral after it has accepted the offer. Before that it sees only the offer.
_SEEN = """
FROM referral LEFT JOIN offer ON offer.offer_id = referral.offer_id
WHERE referral.referral_id = $3 AND ($2 OR NOT referral.restricted)
  AND ($1::uuid IS NULL OR (offer.organization_id = $1 AND offer.status = 'accepted'))
"""

_OF_COMPLETE_HOUSEHOLDS = f"""
SELECT referral_id FROM referral JOIN household USING (household_id)
WHERE referral_id = ANY($1::uuid[]) AND {COMPLETE_HOUSEHOLD}
"""  # noqa: S608 (constants)

_VIEW = f"""
SELECT referral.referral_id AS id, referral.need_id, referral.category, referral.kind, referral.urgency,
    referral.people_count, referral.status, opened_at, waiting_since, halted_since, referral.ended_at, end_reason,
    outcome, outcome_facts,
    referral.offer_id, offer.organization_id, offer.provider_service_id, offer.offered_kind, offer.service_type,
    (SELECT case_code FROM journey WHERE journey.returnee_id = referral.returnee_id) AS case_code
{_SEEN}
"""  # noqa: S608 (constants)


async def referral_view(
    session: AsyncSession, policy: RoutingPolicy, rights: Rights, referral_id: UUID
) -> ReferralView:
    """One referral, or NotFound."""
    row = await (await raw(session)).fetchrow(_VIEW, rights.organization_id, rights.restricted, referral_id)
    if row is None:
        raise NotFound("There is no such referral")
    waits = row["status"] == ReferralStatus.WAITLISTED
    queue = await waitlists.place_in_queue(session, referral_id) if waits else None
    return ReferralView.model_validate({**row, "waitlist": queue, "stage": policy.stage_of(row["category"])})


async def returnee_of(session: AsyncSession, rights: Rights, referral_id: UUID) -> UUID:
    """The returnee of a referral, or NotFound."""
    found = await (await raw(session)).fetchval(
        f"SELECT referral.returnee_id {_SEEN}",
        rights.organization_id,
        rights.restricted,
        referral_id,
    )
    if found is None:
        raise NotFound("There is no such referral")
    return UUID(str(found))


async def of_complete_households(session: AsyncSession, referral_ids: list[UUID]) -> set[UUID]:
    """The referrals among these whose household is complete."""
    rows = await (await raw(session)).fetch(_OF_COMPLETE_HOUSEHOLDS, referral_ids)
    return {row["referral_id"] for row in rows}


async def run_out_at(session: AsyncSession, referral_ids: list[UUID], kind: TimerKind) -> dict[UUID, datetime]:
    """When this clock of each of these referrals runs out. Referrals without this clock are left out."""
    rows = await (await raw(session)).fetch(
        "SELECT subject_id, due_at FROM timer WHERE subject_id = ANY($1::uuid[]) AND kind = $2",
        referral_ids,
        kind.value,
    )
    return {row["subject_id"]: row["due_at"] for row in rows}
