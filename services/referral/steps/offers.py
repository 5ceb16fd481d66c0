"""The steps of an offer alone. `referrals` decides what they mean for its referral."""

from collections.abc import Callable
from datetime import datetime

from libs.events.catalogue.referral import (
    OfferAccepted,
    OfferAcknowledged,
    OfferDeclined,
    OfferExpired,
    OfferMade,
    OfferRecalled,
    OfferReminded,
)
from libs.events.codes import DeclineReason, RecallReason
from libs.events.detail_values import as_told
from services.referral.candidates.choice import Candidate
from services.referral.clocks.rules import TimerKind
from services.referral.journeys.facts import Offer, Referral
from services.referral.journeys.work import Release, Work
from services.referral.lifecycles.declines import CONSEQUENCES, Closing
from services.referral.lifecycles.rules import OfferStatus, OfferStep, next_offer
from services.referral.pack.clocks import ProviderWait
from services.referral.providers.rules import hours_of


def make(work: Work, referral: Referral, candidate: Candidate, *, explanation: dict[str, object]) -> Offer:
    """Offer the referral to a service whose places the ledger already holds, and start the clock for the answer."""
    clock = work.rules_of(referral).clocks[referral.urgency]
    due = _due(work, referral, candidate)
    acknowledge_by = None if clock.acknowledge_within is None else due("acknowledge", clock.acknowledge_within)
    answer_by = due("answer", clock.answer_within)
    offer = _new(work, referral, candidate, answer_by=answer_by, acknowledge_by=acknowledge_by)
    work.journeys[referral.returnee_id].offers[offer.offer_id] = work.add(offer)
    work.explanations[offer.offer_id] = explanation
    work.shares[offer.offer_id] = tuple((share.pool.pool_id, share.places) for share in candidate.shares)
    for nth, after in enumerate(clock.remind_after):
        work.start_timer(TimerKind.OFFER_REMINDER, offer, due_at=due("answer", after), nth=nth)
    if acknowledge_by is not None:
        work.start_timer(TimerKind.ACKNOWLEDGE_DEADLINE, offer, due_at=acknowledge_by)
    work.start_timer(TimerKind.OFFER_EXPIRY, offer, due_at=offer.answer_by)
    work.record(OfferStep.MAKE, offer)
    work.tell_of_offer(
        OfferMade,
        offer,
        trace=offer.traceparent,
        urgency=offer.urgency,
        people_count=offer.people_count,
        service_type=offer.service_type,
        restricted=offer.restricted,
        answer_by=offer.answer_by,
        acknowledge_by=offer.acknowledge_by,
        detail_values=as_told(offer.detail_values),
        offered_kind=offer.offered_kind,
    )
    return offer


def _due(work: Work, referral: Referral, candidate: Candidate) -> Callable[[ProviderWait, float], datetime]:
    """A function that says when a clock of the candidate runs out, within its opening hours if the pack says so."""
    view = candidate.service.view
    if work.rules_of(referral).working_hours:
        work.hours[view.provider_service_id] = hours_of(view)

    def due(wait: ProviderWait, seconds: float) -> datetime:
        return work.due_at_provider(wait, referral, provider_service_id=view.provider_service_id, seconds=seconds)

    return due


def _new(
    work: Work, referral: Referral, candidate: Candidate, *, answer_by: datetime, acknowledge_by: datetime | None
) -> Offer:
    view = candidate.service.view
    return Offer(
        offer_id=work.new_id(),
        referral_id=referral.referral_id,
        need_id=referral.need_id,
        returnee_id=referral.returnee_id,
        organization_id=view.organization_id,
        provider_service_id=view.provider_service_id,
        pool_id=candidate.pool.pool_id,
        case_code=work.journeys[referral.returnee_id].case_code or "",
        category=referral.category,
        kind=referral.kind,
        detail_values=work.journeys[referral.returnee_id].needs[referral.need_id].detail_values,
        offered_kind=candidate.kind,
        service_type=view.service_type,
        urgency=referral.urgency,
        people_count=referral.people_count,
        restricted=referral.restricted,
        status=OfferStatus.PENDING,
        made_at=work.at,
        answer_by=answer_by,
        acknowledge_by=acknowledge_by,
        max_stay_hours=view.max_stay_hours,
        traceparent=work.trace(referral.traceparent, "referral.offer.make", referral.returnee_id),
    )


def acknowledge(work: Work, offer: Offer) -> None:
    """The provider has seen the offer. The clock for the answer continues."""
    trace = _step(work, offer, OfferStep.ACKNOWLEDGE)
    offer.acknowledged_at = work.at
    work.stop_timer(TimerKind.ACKNOWLEDGE_DEADLINE, offer)
    work.tell_of_offer(OfferAcknowledged, offer, trace=trace)


def accept(work: Work, offer: Offer) -> None:
    """The provider accepts. The held places become taken places."""
    trace = _end(work, offer, OfferStep.ACCEPT)
    work.taken.append(offer)
    work.tell_of_offer(
        OfferAccepted,
        offer,
        trace=trace,
        service_type=offer.service_type,
        people_count=offer.people_count,
        judged_on=work.judged_on.get(offer.referral_id),
    )


def decline(work: Work, offer: Offer, *, reason: DeclineReason, note: str | None) -> None:
    """The provider declines. `declines.CONSEQUENCES` says which pool or service this closes."""
    trace = _end(work, offer, OfferStep.DECLINE, reason=reason.value, note=note)
    work.released.append(Release(offer, used=False))
    closes = CONSEQUENCES[reason].closes
    if closes is Closing.POOL:
        work.full.append(offer)
    elif closes is Closing.SERVICE:
        work.no_longer_offered.add(offer.provider_service_id)
    work.tell_of_offer(OfferDeclined, offer, trace=trace, reason=reason)


def expire(work: Work, offer: Offer) -> None:
    """The provider has not answered in time."""
    trace = _end(work, offer, OfferStep.EXPIRE)
    work.released.append(Release(offer, used=False))
    work.tell_of_offer(OfferExpired, offer, trace=trace)


def recall(work: Work, offer: Offer, *, reason: RecallReason) -> None:
    """The network takes the offer back."""
    trace = _end(work, offer, OfferStep.RECALL, reason=reason.value)
    work.released.append(Release(offer, used=False))
    work.tell_of_offer(OfferRecalled, offer, trace=trace, reason=reason)


def remind(work: Work, offer: Offer) -> None:
    """Remind the provider that an offer waits for its answer."""
    next_offer(offer.status, OfferStep.REMIND)
    work.record(OfferStep.REMIND, offer)
    work.tell_of_offer(OfferReminded, offer, trace=offer.traceparent, answer_by=offer.answer_by)


def _end(
    work: Work, offer: Offer, step: OfferStep, *, reason: str | None = None, note: str | None = None
) -> str | None:
    trace = _step(work, offer, step, reason=reason, note=note)
    offer.ended_at, offer.reason = work.at, reason
    work.stop_timers(offer)
    return trace


def _step(
    work: Work, offer: Offer, step: OfferStep, *, reason: str | None = None, note: str | None = None
) -> str | None:
    offer.status = next_offer(offer.status, step)
    work.change(offer)
    trace = work.trace(offer.traceparent, f"referral.offer.{step.value}", offer.returnee_id)
    work.record(step, offer, reason=reason, note=note, traceparent=trace)
    return trace
