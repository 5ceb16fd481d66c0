"""Answers to offers, many in one transaction. A refused answer has no effect on the others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from uuid import UUID

from opentelemetry import trace
from opentelemetry.trace import Span
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import on_behalf_of, own_work
from libs.chassis.errors import NotFound, Refusal
from libs.chassis.idempotency import Once, begun, finished
from libs.events.codes import DeclineReason
from services.referral.access import Rights
from services.referral.audit import actions as audit
from services.referral.audit.rules import Access
from services.referral.journeys import queries as journeys
from services.referral.journeys.actions.writing import Lock, opened
from services.referral.journeys.facts import Offer
from services.referral.journeys.work import Work
from services.referral.judging.actions import refusal_of
from services.referral.judging.queries import Circumstances, circumstances
from services.referral.lifecycles.printed import Who
from services.referral.offers import queries
from services.referral.pack.policy import RoutingPolicy
from services.referral.steps import offers as offer_steps
from services.referral.steps import referrals as referral_steps

Effect = Callable[[Work, Offer], None]
"""What an answer does. Raises a Refusal if the answer is not allowed."""

accept: Effect = referral_steps.accept_offer
acknowledge: Effect = offer_steps.acknowledge
_SAYING_YES: Final = (accept, acknowledge)


def decline(reason: DeclineReason, note: str | None) -> Effect:
    """The effect of declining for this reason."""
    return partial(referral_steps.decline_offer, reason=reason, note=note)


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer to one offer, as it was given."""

    offer_id: UUID
    effect: Effect
    rights: Rights
    """What the caller may see. Any other offer does not exist for this caller."""
    actor: str
    once: Once | None = None
    """The idempotency key of the answer, so that a repeated request gets the same response."""
    access: Access | None = None
    """The audit record that is written with the answer. None if the route writes it."""
    request: Span = field(default_factory=trace.get_current_span)
    """The span of the request with this answer."""


async def answer_waiting(
    session: AsyncSession, policy: RoutingPolicy, given: Sequence[GivenAnswer]
) -> list[Refusal | None]:
    """Write all answers that are allowed. Waits for journeys that other transactions hold. Returns the refusal or None
    for each answer."""
    outcomes = await _answer(session, policy, given, lock=journeys.lock)
    return [outcomes[nth] for nth in range(len(given))]


async def answer_alone(session: AsyncSession, policy: RoutingPolicy, given: GivenAnswer) -> Refusal | None:
    """Write one answer, and wait if another transaction holds its journey. Returns the refusal, or None.

    The refusal is returned and not raised, because the offer may have been recalled at the same time, and that must be
    committed.
    """
    (refusal,) = await answer_waiting(session, policy, [given])
    return refusal


async def answer_free(
    session: AsyncSession, policy: RoutingPolicy, given: Sequence[GivenAnswer]
) -> dict[int, Refusal | None]:
    """As `answer_waiting`, but skips answers whose journey another transaction holds. Returns the others' results by
    their position in `given`."""
    return await _answer(session, policy, given, lock=journeys.claim)


async def _answer(
    session: AsyncSession, policy: RoutingPolicy, given: Sequence[GivenAnswer], *, lock: Lock
) -> dict[int, Refusal | None]:
    returnees = await _returnees(session, given)
    async with own_work(session, few_rows=True):
        return await _answer_as_judged(session, policy, given, returnees, lock=lock)


async def _returnees(session: AsyncSession, given: Sequence[GivenAnswer]) -> list[UUID | None]:
    """The returnee of each of these offers, or None for an offer that its caller may not see.

    Answers of many callers share a transaction. The offers are looked up separately for each caller, under the
    row-level security of that caller.
    """
    found: dict[Rights, dict[UUID, UUID]] = {}
    for rights in dict.fromkeys(one.rights for one in given):
        async with on_behalf_of(session, rights.tenant):
            offer_ids = [one.offer_id for one in given if one.rights == rights]
            found[rights] = await queries.returnees_of(session, rights, offer_ids)
    return [found[one.rights].get(one.offer_id) for one in given]


async def _answer_as_judged(
    session: AsyncSession,
    policy: RoutingPolicy,
    given: Sequence[GivenAnswer],
    returnees: Sequence[UUID | None],
    *,
    lock: Lock,
) -> dict[int, Refusal | None]:
    outcomes: dict[int, Refusal | None] = {nth: _no_such_offer() for nth, one in enumerate(returnees) if one is None}
    outcomes |= await _answered_before(session, {nth: one for nth, one in enumerate(given) if nth not in outcomes})
    new = {nth: one for nth, one in enumerate(returnees) if one is not None and nth not in outcomes}
    async with opened(session, policy, set(new.values()), actor=Who.PROVIDER.value, lock=lock) as piece:
        mine = {nth: one for nth, one in new.items() if one in piece.journeys}
        known = await _known(session, piece, [given[nth] for nth in mine])
        outcomes |= {nth: _answer_one(piece, known, given[nth], one) for nth, one in mine.items()}
    done = [given[nth] for nth in mine if outcomes[nth] is None]
    await finished(session, [(one.once, one.offer_id) for one in done if one.once is not None])
    accesses = [given[nth].access for nth in sorted(outcomes) if outcomes[nth] is None]
    await audit.record(session, [one for one in accesses if one is not None])
    return outcomes


async def _answered_before(session: AsyncSession, given: Mapping[int, GivenAnswer]) -> dict[int, Refusal | None]:
    """Answers whose key was used before: None if the answer was written then, or the refusal that the key causes."""
    keyed = {nth: one.once for nth, one in given.items() if one.once is not None}
    before = zip(keyed, await begun(session, list(keyed.values())), strict=True)
    return {nth: one if isinstance(one, Refusal) else None for nth, one in before if one is not None}


def _no_such_offer() -> Refusal:
    return NotFound("There is no such offer")


async def _known(session: AsyncSession, piece: Work, given: Sequence[GivenAnswer]) -> Circumstances:
    """The present facts about the offers that are to be acknowledged or accepted."""
    loaded = piece.journeys
    offers = {key: offer for journey in loaded.values() for key, offer in journey.offers.items()}
    asked = [offers[one.offer_id] for one in given if one.effect in _SAYING_YES and offers[one.offer_id].is_live]
    referrals = [loaded[one.returnee_id].referrals[one.referral_id] for one in asked]
    if not referrals:
        return Circumstances(dict(loaded))
    return await circumstances(session, loaded, referrals, piece.policy.taxonomy)


def _answer_one(piece: Work, known: Circumstances, given: GivenAnswer, returnee_id: UUID) -> Refusal | None:
    """Apply the effect of the answer, first to a copy, because a refused step may already have changed some values.

    If the present facts no longer allow the offer, it is recalled instead.
    """
    if given.effect in _SAYING_YES:
        broken = refusal_of(piece, known, piece.journeys[returnee_id].offers[given.offer_id])
        if broken is not None:
            return broken
    try:
        rehearsed = piece.rehearsal(returnee_id)
        given.effect(rehearsed, rehearsed.journeys[returnee_id].offers[given.offer_id])
    except Refusal as refusal:
        return refusal
    with piece.acting_as(given.actor), trace.use_span(given.request):
        given.effect(piece, piece.journeys[returnee_id].offers[given.offer_id])
    return None
