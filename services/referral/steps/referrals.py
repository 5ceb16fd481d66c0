"""The steps of a referral that has an offer: the answers, the service after acceptance, and all ways to end."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from libs.chassis.errors import FieldError, InvalidInput
from libs.events.catalogue.journeys import AtProvider, PerhapsAtProvider
from libs.events.catalogue.referral import (
    ReferralCancelled,
    ReferralCompleted,
    ReferralEnteredInError,
    ReferralNotDelivered,
    ReferralReminded,
    ReferralStarted,
)
from libs.events.codes import Awaited, CancelReason, DeclineReason, NotDeliveredReason, Outcome, RecallReason
from libs.events.detail_values import FactValue, StatedFact
from services.referral.candidates.interlocks import ReviewReason
from services.referral.candidates.reasons import Exclusion
from services.referral.clocks.rules import TimerKind
from services.referral.errors import OfferIsHalted
from services.referral.journeys.facts import Journey, Offer, Referral
from services.referral.journeys.work import Release, Work
from services.referral.lifecycles.declines import CONSEQUENCES, Next
from services.referral.lifecycles.rules import OfferStatus, ReferralStatus, ReferralStep, next_referral
from services.referral.reviews.rules import ReviewDecided, ReviewStatus
from services.referral.steps import offers as offer_steps
from services.referral.steps import searches as search_steps
from services.referral.steps import stays as stay_steps
from services.referral.steps.owners import disown
from services.referral.steps.routing import (
    advance,
    ask_person,
    need_of,
    request_review,
    rest,
    seek,
    start_routing_clock,
    wait_for_person,
)

CLOCKS_OF: Final = {
    Awaited.START: (TimerKind.START_REMINDER, TimerKind.START_DEADLINE),
    Awaited.REPORT: (TimerKind.REPORT_REMINDER, TimerKind.REPORT_DEADLINE),
}
"""For each wait after acceptance: the clock of its reminders and the clock of its deadline."""


def referral_of(work: Work, offer: Offer) -> Referral:
    """The referral of the offer."""
    return work.journeys[offer.returnee_id].referrals[offer.referral_id]


def accept_offer(work: Work, offer: Offer) -> None:
    """The provider accepts and is now responsible for the need. The clock for the start of the service begins."""
    offer_steps.accept(work, offer)
    referral = referral_of(work, offer)
    advance(work, referral, ReferralStep.ACCEPT)
    disown(work, need_of(work, referral))
    _start_clock(work, referral, Awaited.START)


def decline_offer(work: Work, offer: Offer, *, reason: DeclineReason, note: str | None) -> None:
    """The provider declines. The reason decides what follows; `declines.CONSEQUENCES` has a row for each (DESIGN 4).

    Raises InvalidInput if the reason requires a note and there is none.
    """
    follows = CONSEQUENCES[reason]
    if follows.needs_note and note is None:
        fault = FieldError("/note", "required-with-other", "The reason `other` requires a note with an explanation")
        raise InvalidInput("This reason requires a note", errors=[fault])
    offer_steps.decline(work, offer, reason=reason, note=note)
    if follows.excludes is not None:
        work.excluded.append((offer, follows.excludes))
    referral = referral_of(work, offer)
    seek_again(work, referral)
    if follows.next is Next.SEARCH:
        wait_for_person(work, referral)
    elif follows.next is Next.ASK_PERSON:
        ask_person(work, referral)
    elif follows.next is Next.REVIEW:
        request_review(work, referral, ReviewReason.UNSAFE)
    if follows.excludes_organization:
        avoid_organization(work, work.journeys[offer.returnee_id], offer.organization_id)


def avoid_organization(work: Work, journey: Journey, organization_id: UUID) -> None:
    """No need of this person is offered to the organisation any more. Its unanswered offers are recalled."""
    work.conflicts.add((journey.returnee_id, organization_id))
    for offer in list(journey.offers.values()):
        if offer.is_live and offer.organization_id == organization_id:
            recall_offer(work, offer, reason=RecallReason.CONFLICT_OF_INTEREST)


def expire_offer(work: Work, offer: Offer) -> None:
    """The provider did not answer. The next candidate is asked. This service is not asked again for this need."""
    offer_steps.expire(work, offer)
    work.excluded.append((offer, Exclusion.EXPIRED_BEFORE))
    seek_again(work, referral_of(work, offer))


def recall_offer(work: Work, offer: Offer, *, reason: RecallReason) -> None:
    """The network recalls the offer. The referral seeks a provider again."""
    offer_steps.recall(work, offer, reason=reason)
    seek_again(work, referral_of(work, offer))


def seek_again(work: Work, referral: Referral) -> None:
    """An offer ended without acceptance. The next round looks for the next candidate."""
    advance(work, referral, ReferralStep.SEEK_AGAIN)
    referral.offer_id = None
    seek(work, referral)
    start_routing_clock(work, referral)


def start(work: Work, referral: Referral) -> None:
    """The service has begun. Start the clock for its outcome, or the clocks of its stay. Refused while it is halted."""
    require(referral, ReferralStep.START)
    if referral.halted_since is not None:
        raise OfferIsHalted
    advance(work, referral, ReferralStep.START)
    work.stop_timers(referral)
    offer = accepted_offer(work, referral)
    work.begun.append(offer)
    if not stay_steps.begin(work, referral, offer):
        _start_clock(work, referral, Awaited.REPORT)
    _tell(work, referral, ReferralStarted)


def complete(
    work: Work, referral: Referral, *, outcome: Outcome, given_kind: str | None, facts: Mapping[str, FactValue]
) -> None:
    """The service is done. Its places were used, so only the provider's next declaration makes them available."""
    _end(work, referral, ReferralStep.COMPLETE, reason=outcome.value)
    referral.outcome = outcome.value
    _release(work, referral, used=True)
    stated = [StatedFact(fact=fact, value=value) for fact, value in facts.items()]
    _tell(work, referral, ReferralCompleted, outcome=outcome, given_kind=given_kind, facts=stated)


def report_not_delivered(work: Work, referral: Referral, *, reason: NotDeliveredReason) -> None:
    """An accepted service did not happen."""
    _end(work, referral, ReferralStep.REPORT_NOT_DELIVERED, reason=reason.value)
    _release(work, referral, used=False)
    _tell(work, referral, ReferralNotDelivered, reason=reason)


def end_cancelled(work: Work, referral: Referral, *, reason: CancelReason, recall_reason: RecallReason) -> None:
    """End the referral: recall a live offer, release its places, and close a pending review."""
    _close_review(work, referral)
    _recall_live(work, referral, recall_reason)
    used = referral.status is ReferralStatus.IN_SERVICE
    _end(work, referral, ReferralStep.CANCEL, reason=reason.value)
    _release(work, referral, used=used)
    _tell_end(work, referral, ReferralCancelled, reason=reason)


def reject(work: Work, referral: Referral, *, note: str | None) -> None:
    """A person has decided in a review that nothing is offered. The referral ends and the desk keeps the need."""
    require(referral, ReferralStep.REJECT)
    _close_review(work, referral)
    reason = CancelReason.REVIEW_REJECTED
    _end(work, referral, ReferralStep.REJECT, reason=reason.value, note=note)
    _tell_end(work, referral, ReferralCancelled, reason=reason)


def require(referral: Referral, step: ReferralStep) -> None:
    """Raise StepNotAllowed if the table of states does not allow the step, before anything is changed."""
    next_referral(referral.status, step)


def enter_in_error(work: Work, referral: Referral, *, note: str | None = None) -> None:
    """The referral was a mistake. Everything that it holds is released."""
    _close_review(work, referral)
    _recall_live(work, referral, RecallReason.ENTERED_IN_ERROR)
    was_live = referral.is_live
    _end(work, referral, ReferralStep.ENTER_IN_ERROR, note=note)
    if was_live:
        _release(work, referral, used=False)
    _tell_end(work, referral, ReferralEnteredInError)


def _close_review(work: Work, referral: Referral) -> None:
    if referral.status is ReferralStatus.AWAITING_REVIEW:
        work.reviews_decided.append(ReviewDecided(referral.referral_id, ReviewStatus.REJECTED, work.actor))


def remind(work: Work, referral: Referral, *, awaits: Awaited, due_by: datetime) -> None:
    """Remind the provider of the step that is expected of it, and of the deadline."""
    require(referral, ReferralStep.REMIND)
    work.record(ReferralStep.REMIND, referral, reason=awaits.value)
    _tell(work, referral, ReferralReminded, awaits=awaits, due_by=due_by)


def wait_anew(work: Work, referral: Referral) -> None:
    """Restart the clock of the step that is expected of the provider: to start, or to report the outcome."""
    work.stop_timers(referral)
    _start_clock(work, referral, Awaited.START if referral.status is ReferralStatus.ACCEPTED else Awaited.REPORT)


def _start_clock(work: Work, referral: Referral, awaits: Awaited) -> None:
    """Start the reminders and the deadline of the provider. After the deadline the lead desk becomes the owner."""
    policy = work.rules_of(referral)
    clocks = policy.start_clocks if awaits is Awaited.START else policy.report_clocks
    wait = clocks[referral.urgency]
    service = accepted_offer(work, referral).provider_service_id

    def due(seconds: float) -> datetime:
        return work.due_at_provider(awaits.value, referral, provider_service_id=service, seconds=seconds)

    reminder, deadline = CLOCKS_OF[awaits]
    for nth, after in enumerate(wait.remind_after):
        work.start_timer(reminder, referral, due_at=due(after), nth=nth)
    work.start_timer(deadline, referral, due_at=due(wait.within))


def _recall_live(work: Work, referral: Referral, reason: RecallReason) -> None:
    offer = work.journeys[referral.returnee_id].offer_of(referral)
    if offer is not None and offer.is_live:
        offer_steps.recall(work, offer, reason=reason)


def _end(
    work: Work, referral: Referral, step: ReferralStep, *, reason: str | None = None, note: str | None = None
) -> None:
    may_have_stayed = referral.status is ReferralStatus.IN_SERVICE or not referral.is_live
    advance(work, referral, step, reason=reason, note=note)
    rest(work, referral)
    referral.ended_at, referral.end_reason = work.at, reason
    referral.halted_since = None
    if referral.searching_since is not None:
        search_steps.end(work, referral)
    if may_have_stayed:
        stay_steps.end(work, referral)
    work.stop_timers(referral)


def _release(work: Work, referral: Referral, *, used: bool) -> None:
    offer = work.journeys[referral.returnee_id].offer_of(referral)
    if offer is not None and offer.status is OfferStatus.ACCEPTED:
        work.released.append(Release(offer, used=used))


def _tell(work: Work, referral: Referral, kind: type[AtProvider], **more: object) -> None:
    """Publish an event about the service after the accepted offer."""
    offer = accepted_offer(work, referral)
    work.tell_of_offer(kind, offer, trace=offer.traceparent, **more)


def accepted_offer(work: Work, referral: Referral) -> Offer:
    """The offer with which a provider has accepted the referral."""
    offer = work.journeys[referral.returnee_id].offer_of(referral)
    if offer is None:
        raise LookupError("the accepted referral has no offer")
    return offer


def _tell_end(work: Work, referral: Referral, kind: type[PerhapsAtProvider], **more: object) -> None:
    """Publish that a referral has ended. The event names a provider that had accepted it, so that it is informed."""
    offer = work.journeys[referral.returnee_id].offer_of(referral)
    if offer is not None and offer.status is OfferStatus.ACCEPTED:
        more |= {
            "offer_id": offer.offer_id,
            "organization_id": offer.organization_id,
            "provider_service_id": offer.provider_service_id,
        }
    work.tell_of_referral(kind, referral, trace=referral.traceparent, **more)
