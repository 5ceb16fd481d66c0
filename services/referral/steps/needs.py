"""The steps of a need, and what follows from each for its referral and for the needs that wait on it."""

from collections.abc import Mapping

from libs.chassis.errors import InvalidInput
from libs.events.catalogue.referral import NeedClosed, NeedMet, NeedRefused, NeedReopened
from libs.events.codes import (
    CancelReason,
    CloseReason,
    NotDeliveredReason,
    Outcome,
    OwnerReason,
    RecallReason,
)
from services.referral.candidates.rules import Exclusion
from services.referral.journeys.facts import Need, Referral, opened_until
from services.referral.journeys.work import Work
from services.referral.lifecycles.outcomes import completion_faults
from services.referral.lifecycles.printed import not_allowed
from services.referral.lifecycles.rules import NeedStatus, NeedStep, ReferralStatus, ReferralStep, next_need
from services.referral.pack.policy import CompletionFact
from services.referral.steps import opening
from services.referral.steps import referrals as referral_steps
from services.referral.steps import routing as routing_steps
from services.referral.steps import searches as search_steps
from services.referral.steps.owners import assign, disown


def report(work: Work, need: Need) -> Referral | None:
    """A need has been told at intake: it opens with its first referral; after the journey's end a desk owns it."""
    work.journeys[need.returnee_id].needs[need.need_id] = need
    need.area = (work.journeys[need.returnee_id].profile or {}).get("destination")
    consents = work.journeys[need.returnee_id].consents
    need.counted_until = opened_until(work.policy.consents.statistics, consents)
    need.traceparent = work.trace(need.traceparent, "referral.need.record", need.returnee_id)
    work.add(need)
    work.record(NeedStep.REPORT, need)
    return opening.open_unless_ended(work, need)


def meet(work: Work, need: Need) -> None:
    """The need is met; what waited on it may seek now."""
    _end(work, need, NeedStep.MEET)
    work.tell_of_need(NeedMet, need, trace=need.traceparent)
    for referral in _waiting_on(work, need):
        routing_steps.unblock(work, referral)


def refuse(work: Work, need: Need, *, recall_reason: RecallReason = RecallReason.BY_RETURNEE) -> None:
    """The returnee does not want help with this; no reason is asked for."""
    _end(work, need, NeedStep.REFUSE)
    work.tell_of_need(NeedRefused, need, trace=need.traceparent)
    _end_unmet(work, need, cancel=CancelReason.BY_RETURNEE, recall=recall_reason)


def close(
    work: Work,
    need: Need,
    *,
    reason: CloseReason,
    cancel: CancelReason = CancelReason.NEED_CLOSED,
    recall: RecallReason = RecallReason.NEED_WITHDRAWN,
) -> None:
    """A named person ends the need, with a coded reason."""
    _end(work, need, NeedStep.CLOSE, reason=reason.value)
    work.tell_of_need(NeedClosed, need, trace=need.traceparent, reason=reason)
    _end_unmet(work, need, cancel=cancel, recall=recall)


def reopen(work: Work, need: Need) -> Referral:
    """The need is open again: routing starts anew. Who only let an offer expire may be asked again, who said no not.

    Raises JourneyEnded for a person for whom nothing is routed any more.
    """
    opening.require_going_on(work, need)
    work.silence_forgiven.add(need.need_id)
    _reopen(work, need)
    return opening.open_referral(work, need)


def require_open(need: Need, step: NeedStep) -> None:
    """Refuse a step that changes no state and that the table of states does not know for this one."""
    next_need(need.status, step)


def acknowledge(work: Work, need: Need) -> None:
    """Somebody at the owner's desk has seen the need and has it in hand; the record of it is the sign of life."""
    require_open(need, NeedStep.ACKNOWLEDGE)
    if need.owner is None:
        raise not_allowed("need", need.status, NeedStep.ACKNOWLEDGE, "has no owner")
    work.record(NeedStep.ACKNOWLEDGE, need)


def route_again(work: Work, need: Need) -> Referral | None:
    """An open need whose referral had ended gets another one; its desk lets it go.

    None if one works for it still, or if the journey has ended: its desk goes on owning it.
    """
    journey = work.journeys[need.returnee_id]
    if journey.live_referral(need.need_id) is not None or journey.journey_end_reason is not None:
        return None
    disown(work, need)
    return opening.open_referral(work, need)


def seek_again(work: Work, need: Need) -> None:
    """A person lets the router look again: for the referral that waits, or for a new one where none is left."""
    require_open(need, NeedStep.SEEK_AGAIN)
    referral = work.journeys[need.returnee_id].live_referral(need.need_id)
    if referral is not None:
        referral_steps.require(referral, ReferralStep.LOOK)
    work.record(NeedStep.SEEK_AGAIN, need)
    if referral is None:
        opening.require_going_on(work, need)
        route_again(work, need)
        return
    work.record(ReferralStep.LOOK, referral)
    if referral.searching_since is not None:
        search_steps.end(work, referral)
        work.stop_timers(referral)
        routing_steps.start_routing_clock(work, referral)
    routing_steps.seek(work, referral)


def reopen_for_owner(work: Work, need: Need) -> None:
    """The need is open again and a desk answers for it: its referral was entered in error."""
    if need.status is not NeedStatus.OPEN:
        _reopen(work, need)
    assign(work, need, owner=work.category(need.category).lead_desk, reason=OwnerReason.BY_HAND)


def complete(
    work: Work, referral: Referral, *, outcome: Outcome, facts: Mapping[CompletionFact, bool | int] | None = None
) -> None:
    """The service is done. Only an outcome that meets the need ends it; for any other the lead desk answers on.

    Raises InvalidInput unless `facts` are those that the pack wants of this service type.
    """
    journey = work.journeys[referral.returnee_id]
    need, offer = journey.needs[referral.need_id], journey.offer_of(referral)
    referral_steps.complete(work, referral, outcome=outcome)
    required = [] if offer is None else work.policy.completion_facts.get(offer.service_type, [])
    faults = completion_faults(required, outcome=outcome, stated=facts or {})
    if faults:
        raise InvalidInput("The facts do not match the type of the service", errors=faults)
    if facts:
        work.outcome_facts[referral.referral_id] = facts
    if outcome is Outcome.NEED_MET:
        meet(work, need)
    else:
        routing_steps.escalate(work, referral, OwnerReason.OUTCOME_INCOMPLETE)


def report_not_delivered(work: Work, referral: Referral, *, reason: NotDeliveredReason) -> Referral | None:
    """An accepted service did not happen: the need's routing starts again, without that service where it was unable."""
    journey = work.journeys[referral.returnee_id]
    offer = journey.offer_of(referral)
    referral_steps.report_not_delivered(work, referral, reason=reason)
    if offer is not None and reason is not NotDeliveredReason.PERSON_NOT_FOUND:
        work.excluded.append((offer, Exclusion.DECLINED_BEFORE))
    again = opening.open_unless_ended(work, journey.needs[referral.need_id], approved_for=referral.approved_for)
    if again is None:
        return None
    if reason is NotDeliveredReason.PERSON_NOT_FOUND:
        routing_steps.wait_for_person(work, again)
    return again


def cancel(work: Work, referral: Referral, *, reason: CancelReason) -> None:
    """End a referral. What the reason says of the need decides what becomes of the need."""
    need = work.journeys[referral.returnee_id].needs[referral.need_id]
    recall = RecallReason.CONSENT_WITHDRAWN if reason is CancelReason.CONSENT_WITHDRAWN else RecallReason.BY_RETURNEE
    referral_steps.end_cancelled(work, referral, reason=reason, recall_reason=recall)
    if need.status is not NeedStatus.OPEN:
        return
    if reason is CancelReason.MET_ELSEWHERE:
        meet(work, need)
    elif reason is CancelReason.BY_RETURNEE:
        refuse(work, need)
    elif reason is CancelReason.CONSENT_WITHDRAWN:
        routing_steps.escalate(work, referral, OwnerReason.CONSENT_WITHDRAWN)
    else:
        close(work, need, reason=CloseReason(reason.value))


def enter_in_error(work: Work, referral: Referral, *, note: str | None) -> None:
    """The referral should never have been: a desk answers for its need, which is open again if it had ended."""
    need = work.journeys[referral.returnee_id].needs[referral.need_id]
    # Of all its referrals it is the one that ended in the same moment that has met the need.
    was_live, met_it = referral.is_live, need.status is NeedStatus.MET and need.ended_at == referral.ended_at
    referral_steps.enter_in_error(work, referral, note=note)
    if was_live or met_it:
        reopen_for_owner(work, need)


def _reopen(work: Work, need: Need) -> None:
    need.status = next_need(need.status, NeedStep.REOPEN)
    need.ended_at = need.end_reason = None
    work.change(need)
    work.record(NeedStep.REOPEN, need)
    work.tell_of_need(NeedReopened, need, trace=need.traceparent)


def _end(work: Work, need: Need, step: NeedStep, *, reason: str | None = None) -> None:
    need.status = next_need(need.status, step)
    need.ended_at, need.end_reason = work.at, reason
    disown(work, need)
    work.change(need)
    work.record(step, need, reason=reason)


def _end_unmet(work: Work, need: Need, *, cancel: CancelReason, recall: RecallReason) -> None:
    referral = work.journeys[need.returnee_id].live_referral(need.need_id)
    if referral is not None:
        referral_steps.end_cancelled(work, referral, reason=cancel, recall_reason=recall)
    for waiting in _waiting_on(work, need):
        routing_steps.escalate(work, waiting, OwnerReason.PREREQUISITE_UNMET)


def _waiting_on(work: Work, need: Need) -> list[Referral]:
    referrals = work.journeys[need.returnee_id].referrals.values()
    return [one for one in referrals if one.status is ReferralStatus.BLOCKED and one.blocked_by == need.need_id]
