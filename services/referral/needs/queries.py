"""Reads the needs and journeys that the caller may see."""

from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.errors import NotFound
from services.referral.access import Rights
from services.referral.needs.schemas import JourneyView, NeedView, StepView
from services.referral.offers.schemas import OfferView
from services.referral.pack.policy import RoutingPolicy
from services.referral.referrals.schemas import ReferralView

V = TypeVar("V", bound=BaseModel)

_NEEDS = """
SELECT need_id AS id, need.returnee_id, case_code, category, kind, detail_values, urgency, people_count, status,
    reported_at, ended_at, end_reason, owner, owner_reason, owned_since, owner_level, owner_seen_at, owner_due_at,
    owner_overdue_since, after_need_id
FROM need JOIN journey USING (returnee_id)
"""
_REFERRALS = """
SELECT referral.referral_id AS id, referral.need_id, journey.case_code, referral.category, referral.kind,
    referral.urgency, referral.people_count, referral.status, opened_at, waiting_since, halted_since,
    referral.ended_at, end_reason, outcome, outcome_facts, referral.offer_id,
    offer.organization_id, offer.provider_service_id, offer.offered_kind, offer.service_type
FROM referral JOIN journey USING (returnee_id) LEFT JOIN offer ON offer.offer_id = referral.offer_id
WHERE referral.returnee_id = $1 AND ($2 OR NOT referral.restricted) ORDER BY referral.referral_id
"""
_OFFERS = """
SELECT offer_id AS id, referral_id, case_code, category, kind, detail_values, offered_kind, service_type, urgency,
    people_count, provider_service_id, organization_id, status, made_at, answer_by, acknowledge_by, acknowledged_at,
    ended_at, reason, (
        SELECT halted_since FROM referral WHERE referral.referral_id = offer.referral_id AND offer.status = 'accepted'
    ) AS halted_since, (
        SELECT referral.status FROM referral
        WHERE referral.referral_id = offer.referral_id AND offer.status = 'accepted'
    ) AS referral_status
FROM offer WHERE returnee_id = $1 AND ($2 OR NOT restricted) ORDER BY offer_id
"""
_STEPS = """
SELECT at, step, led_to, actor, reason, step.need_id, referral_id, offer_id
FROM step JOIN need USING (need_id)
WHERE step.returnee_id = $1 AND ($2 OR NOT need.restricted) ORDER BY step_id
"""


async def need_view(session: AsyncSession, policy: RoutingPolicy, rights: Rights, need_id: UUID) -> NeedView:
    """One need, or NotFound."""
    row = await (await raw(session)).fetchrow(
        f"{_NEEDS} WHERE need_id = $1 AND ($2 OR NOT restricted)", need_id, rights.restricted
    )
    if row is None:
        raise NotFound("There is no such need")
    return NeedView.model_validate({**row, "stage": policy.stage_of(row["category"])})


async def returnee_of(session: AsyncSession, rights: Rights, need_id: UUID) -> UUID:
    """The returnee of a need, or NotFound."""
    found: UUID | None = await (await raw(session)).fetchval(
        "SELECT returnee_id FROM need WHERE need_id = $1 AND ($2 OR NOT restricted)", need_id, rights.restricted
    )
    if found is None:
        raise NotFound("There is no such need")
    return found


async def household_reference(session: AsyncSession, returnee_id: UUID) -> UUID | None:
    """The reference person of this person's household, whose journey has the household's needs. None without a
    household. Raises NotFound without a journey."""
    row = await (await raw(session)).fetchrow(
        "SELECT reference_returnee_id FROM journey LEFT JOIN household USING (household_id) WHERE returnee_id = $1",
        returnee_id,
    )
    if row is None:
        raise NotFound("There is no such journey")
    found: UUID | None = row["reference_returnee_id"]
    return found


async def journey_view(session: AsyncSession, policy: RoutingPolicy, rights: Rights, returnee_id: UUID) -> JourneyView:
    """One returnee's journey, or NotFound."""
    connection = await raw(session)
    head = await connection.fetchrow(
        "SELECT case_code, journey_ended_at, journey_end_reason, traceparent FROM journey WHERE returnee_id = $1",
        returnee_id,
    )
    if head is None:
        raise NotFound("There is no such journey")

    async def read(statement: str, view: type[V]) -> list[V]:
        rows: list[Any] = await connection.fetch(statement, returnee_id, rights.restricted)
        return [view.model_validate(dict(row)) for row in rows]

    async def staged(statement: str, view: type[V]) -> list[V]:
        rows: list[Any] = await connection.fetch(statement, returnee_id, rights.restricted)
        return [view.model_validate({**row, "stage": policy.stage_of(row["category"])}) for row in rows]

    return JourneyView(
        returnee_id=returnee_id,
        case_code=head["case_code"],
        journey_ended_at=head["journey_ended_at"],
        journey_end_reason=head["journey_end_reason"],
        needs=await staged(f"{_NEEDS} WHERE returnee_id = $1 AND ($2 OR NOT restricted) ORDER BY need_id", NeedView),
        referrals=await staged(_REFERRALS, ReferralView),
        offers=await read(_OFFERS, OfferView),
        steps=await read(_STEPS, StepView),
        trace_id=None if head["traceparent"] is None else head["traceparent"].split("-")[1],
    )
