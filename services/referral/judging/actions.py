"""Evaluates existing offers again. The journeys are locked first (DESIGN 3)."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.chassis.errors import Refusal
from services.referral.candidates.judgement import broken_rules
from services.referral.consequences import halts
from services.referral.errors import OfferRecalled
from services.referral.journeys import queries as journeys
from services.referral.journeys.actions.writing import opened
from services.referral.journeys.facts import Offer, Referral
from services.referral.journeys.households import Told
from services.referral.journeys.work import Work
from services.referral.judging import queries
from services.referral.judging.queries import MARK_CONCERNED, Circumstances
from services.referral.kept_apart.queries import meeting
from services.referral.kept_apart.rules import claim_of
from services.referral.lifecycles.printed import Who
from services.referral.lifecycles.rules import ASKED_OR_WITH_PROVIDER, WITH_PROVIDER
from services.referral.pack.policy import RoutingPolicy
from services.referral.providers.actions import take_republished
from services.referral.steps.people import allowed_by, household_of, judged_on, person_of, to_route, with_them

LOOK_AGAIN_AFTER: Final = timedelta(minutes=2)
"""The time on the installation's clock after which the offers of a republished service are evaluated a second time,
because a round that began before the first evaluation may have made an offer with the old view."""


def broken(known: Circumstances, policy: RoutingPolicy, referral: Referral, *, at: datetime) -> frozenset[str]:
    """The rules and interlocks that the offer of this referral breaks now."""
    journey = known.journeys[referral.returnee_id]
    offer = journey.offer_of(referral)
    if offer is None:
        return frozenset()
    together = [one for one in with_them(referral, known.journeys, known.households) if one.erased_at is None]
    household = household_of(journey, known.households)
    # An accepted service may have been asked to find out what is needed; what it finds out does not exclude it.
    asked_for = journey.needs[referral.need_id]
    if referral.status in WITH_PROVIDER and asked_for.kind != offer.kind:
        asked_for = replace(asked_for, kind=offer.kind, detail_values={})
    people = [one.returnee_id for one in together]
    claim = claim_of(referral.status, offer.made_at, offer.offer_id)
    need = to_route(
        asked_for,
        [person_of(one.profile) for one in together if one.profile is not None],
        profile=journey.profile or {},
        household_size=1 if household is None else household.expected_size,
        stay_together=household is not None and household.stay_together,
        told_people=known.told.get(referral.need_id, Told()).people_ever,
        allowed=allowed_by(together, policy.consents.gate_of(referral.category), at=at),
        approved_for=referral.approved_for,
    )
    if not need.people:
        return frozenset()
    return broken_rules(
        replace(need, kept_apart=known.apart.of(people, before=claim)),
        known.services.get(offer.provider_service_id),
        policy,
        at,
        kinds=known.kinds.get(offer.offer_id, ()),
        overruled=referral.overruled,
    )


def judge(piece: Work, known: Circumstances, referral: Referral) -> bool:
    """Recall or halt the offer of this referral if it is not allowed any more. True if it is still allowed."""
    found = broken(known, piece.policy, referral, at=piece.at)
    facts = judged_on(referral, known.journeys, known.households)
    if not found:
        piece.judged_on[referral.referral_id] = facts
        return True
    halts.stop(piece, referral, broken=found, judged_on=facts, child=_with_child(known, referral))
    return False


def refusal_of(piece: Work, known: Circumstances, offer: Offer) -> Refusal | None:
    """The refusal if the offer is not allowed any more; in this case the offer is also recalled. Otherwise None."""
    referral = known.journeys[offer.returnee_id].referrals[offer.referral_id]
    if not offer.is_live:
        return None
    with piece.acting_as(Who.ROUTER.value):
        if judge(piece, known, referral):
            return None
    return OfferRecalled("The present facts do not allow this offer any more; the network has recalled it")


async def judge_again(
    session: AsyncSession, policy: RoutingPolicy, returnee_ids: Collection[UUID], *, actor: str
) -> None:
    """Facts about these people have changed: evaluate the offers for them and for their households again.

    For accepted offers that are still allowed, an event with the new facts is published, so that their packets open
    again.
    """
    found = await queries.under_way(session, returnee_ids) if returnee_ids else set()
    if found:
        async with opened(session, policy, found, actor=actor) as piece:
            for referral in await _judge_all(session, piece):
                halts.still_stands(piece, referral, piece.judged_on[referral.referral_id])


async def _judge_all(session: AsyncSession, piece: Work) -> list[Referral]:
    """Evaluate all waiting and accepted offers of these journeys. Returns the referrals whose offer is still
    allowed."""
    under_way = [
        referral
        for journey in piece.journeys.values()
        for referral in journey.referrals.values()
        if referral.status in ASKED_OR_WITH_PROVIDER
    ]
    known = await queries.circumstances(session, piece.journeys, under_way, piece.policy.taxonomy)
    return [referral for referral in under_way if judge(piece, known, referral)]


async def require_going_on(session: AsyncSession, piece: Work, referral: Referral) -> None:
    """Refuse a start or an extension if the accepted offer is not allowed any more."""
    known = await queries.circumstances(session, piece.journeys, [referral], piece.policy.taxonomy)
    halts.require_going_on(referral, broken(known, piece.policy, referral, at=piece.at))


async def uphold(session: AsyncSession, piece: Work, referral: Referral, *, note: str) -> None:
    """A desk lets a halted offer continue. Raises NotACandidate if a legal rule or an interlock forbids it now."""
    known = await queries.circumstances(session, piece.journeys, [referral], piece.policy.taxonomy)
    found = broken(known, piece.policy, referral, at=piece.at)
    facts = judged_on(referral, known.journeys, known.households)
    halts.uphold(piece, referral, broken=found, note=note, judged_on=facts)


async def mark_concerned(session: AsyncSession) -> None:
    """Mark the returnees with offers of services that were published again."""
    republished = await take_republished(session, again_after=LOOK_AGAIN_AFTER)
    if republished:
        await (await raw(session)).execute(MARK_CONCERNED, republished)


async def judge_marked(session: AsyncSession, policy: RoutingPolicy, *, limit: int = 200) -> int:
    """Evaluate the offers of marked returnees whose journeys are not locked, and return the number of these returnees.
    The others stay marked."""
    connection = await raw(session)
    marked = await connection.fetch("SELECT returnee_id FROM journey_to_judge ORDER BY returnee_id LIMIT $1", limit)
    claimed = await _judge_claimed(session, policy, {row["returnee_id"] for row in marked})
    await connection.execute("DELETE FROM journey_to_judge WHERE returnee_id = ANY($1::uuid[])", sorted(claimed))
    return len(claimed)


async def judge_unfit(
    session: AsyncSession, policy: RoutingPolicy, provider_service_ids: Collection[UUID], *, limit: int = 200
) -> int:
    """Evaluate the offers of services that may take nobody today: not active, or without a licence or agreement."""
    found = await queries.concerned_by_unfit(session, provider_service_ids, limit=limit)
    return len(await _judge_claimed(session, policy, found))


async def judge_consent_run_out(session: AsyncSession, policy: RoutingPolicy, *, limit: int = 200) -> int:
    """Evaluate the offers in categories that require consent, of people whose consent has expired."""
    gates = [
        (category, gate) for category, gate in policy.consents.by_category.items() if not policy.is_basic(category)
    ]
    found = await queries.consent_run_out(session, gates, at=now(session), limit=limit)
    return len(await _judge_claimed(session, policy, found))


async def judge_meeting(session: AsyncSession, policy: RoutingPolicy) -> int:
    """Evaluate the offers of people who must be kept apart and are, or are asked for, at one place.

    Whoever changes something of one of the two evaluates the offers at once. If both change at the same moment, neither
    transaction sees what the other does.
    """
    found = await queries.under_way(session, await meeting(session, policy.taxonomy))
    return len(await _judge_claimed(session, policy, found))


async def _judge_claimed(session: AsyncSession, policy: RoutingPolicy, returnee_ids: Collection[UUID]) -> set[UUID]:
    """Evaluate the offers of those people whose journeys are not locked. Returns their ids."""
    if not returnee_ids:
        return set()
    async with opened(session, policy, returnee_ids, actor=Who.ROUTER.value, lock=journeys.claim) as piece:
        await _judge_all(session, piece)
    return set(piece.journeys)


def _with_child(known: Circumstances, referral: Referral) -> bool:
    together = with_them(referral, known.journeys, known.households)
    return any(person_of(one.profile).may_be_child for one in together if one.profile is not None)
