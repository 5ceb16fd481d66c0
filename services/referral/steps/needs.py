"""The steps of a need, and the consequences of each step for its referral and for the needs that wait for it."""

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
from libs.events.detail_values import FactValue
from services.referral.candidates.reasons import Exclusion
from services.referral.journeys.facts import Need, Referral, opened_until
from services.referral.journeys.work import Work
from services.referral.lifecycles.outcomes import completion_faults
from services.referral.lifecycles.printed import not_allowed
from services.referral.lifecycles.rules import NeedStatus, NeedStep, ReferralStatus, ReferralStep, next_need
from services.referral.steps import opening
from services.referral.steps import referrals as referral_steps
from services.referral.steps import routing as routing_steps
from services.referral.steps import searches as search_steps
from services.referral.steps.owners import assign, disown


def report(work: Work, need: Need) -> Referral | None:
    """Record a need reported at intake and open its first referral. After the end of the journey a desk owns it."""
    work.journeys[need.returnee_id].needs[need.need_id] = need
    need.area = (work.journeys[need.returnee_id].profile or {}).get("destination")
    consents = work.journeys[need.returnee_id].consents
    need.counted_until = opened_until(work.policy.consents.statistics, consents)
    need.traceparent = work.trace(need.traceparent, "referral.need.record", need.returnee_id)
    work.add(need)
    work.record(NeedStep.REPORT, need)
    return opening.open_unless_ended(work, need)


def meet(work: Work, need: Need) -> None:
    """The need is met. The needs that waited for it may now seek a provider."""
    _end(work, need, NeedStep.MEET)
    work.tell_of_need(NeedMet, need, trace=need.traceparent)
    for referral in _waiting_on(work, need):
        routing_steps.unblock(work, referral)


def refuse(work: Work, need: Need, *, recall_reason: RecallReason = RecallReason.BY_RETURNEE) -> None:
    """The returnee does not want help with this need. No reason is required."""
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
    """A member of staff ends the need, with a coded reason."""
    _end(work, need, NeedStep.CLOSE, reason=reason.value)
    work.tell_of_need(NeedClosed, need, trace=need.traceparent, reason=reason)
    _end_unmet(work, need, cancel=cancel, recall=recall)


def reopen(work: Work, need: Need) -> Referral:
    """Open the need again and restart its routing.

    A service that only let an offer expire may be asked again. A service that declined is not asked again.

    Raises JourneyEnded for a person for whom nothing is routed any more.
    """
    opening.require_going_on(work, need)
    work.silence_forgiven.add(need.need_id)
    _reopen(work, need)
    return opening.open_referral(work, need)


def require_open(need: Need, step: NeedStep) -> None:
    """Refuse a step that the table of states does not allow in this state. For steps that change no state."""
    next_need(need.status, step)


def acknowledge(work: Work, need: Need) -> None:
    """A person at the owner's desk confirms that the desk works on the need. The recorded step is the sign of life."""
    require_open(need, NeedStep.ACKNOWLEDGE)
    if need.owner is None:
        raise not_allowed("need", need.status, NeedStep.ACKNOWLEDGE, "has no owner")
    work.record(NeedStep.ACKNOWLEDGE, need)


def route_again(work: Work, need: Need) -> Referral | None:
    """Open a new referral for an open need whose referral has ended. Its desk is no longer the owner.

    Returns None, and keeps the owner, if the need has a live referral or the journey has ended.
    """
    journey = work.journeys[need.returnee_id]
    if journey.live_referral(need.need_id) is not None or journey.journey_end_reason is not None:
        return None
    disown(work, need)
    return opening.open_referral(work, need)


def seek_again(work: Work, need: Need) -> None:
    """A person asks the router to search again: for the waiting referral, or for a new one if there is none."""
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
    """Reopen the need if it had ended, and make the lead desk its owner, because its referral was entered in error."""
    if need.status is not NeedStatus.OPEN:
        _reopen(work, need)
    assign(work, need, owner=work.rules_of(need).lead_desk, reason=OwnerReason.BY_HAND)


def complete(
    work: Work,
    referral: Referral,
    *,
    outcome: Outcome,
    facts: Mapping[str, FactValue] | None = None,
    given_kind: str | None = None,
) -> None:
    """The service is done. The outcome `need_met` ends the need; after any other outcome the lead desk owns it.

    If the service has only found out what is needed, the need stays open and is routed again with its kind.
    Raises InvalidInput unless `facts` are those of the given kind, or of the service type, and allow the outcome.
    """
    journey = work.journeys[referral.returnee_id]
    need, offer = journey.needs[referral.need_id], journey.offer_of(referral)
    offered_kind = None if offer is None else offer.offered_kind
    given = given_kind if outcome is Outcome.SOMETHING_ELSE_GIVEN else given_kind or offered_kind
    referral_steps.complete(work, referral, outcome=outcome, given_kind=given, facts=facts or {})
    faults = completion_faults(
        work.policy,
        category=referral.category,
        offered_kind=offered_kind,
        given_kind=given_kind,
        service_type=None if offer is None else offer.service_type,
        outcome=outcome,
        stated=facts or {},
    )
    if faults:
        raise InvalidInput("What the completion states does not match the service or the outcome", errors=faults)
    if facts:
        work.outcome_facts[referral.referral_id] = facts
    if outcome is not Outcome.NEED_MET:
        routing_steps.escalate(work, referral, OwnerReason.OUTCOME_INCOMPLETE)
    elif need.kind is not None and given is None and offer is not None and offer.kind is None:
        opening.open_unless_ended(work, need, approved_for=referral.approved_for)
    else:
        meet(work, need)


def report_not_delivered(work: Work, referral: Referral, *, reason: NotDeliveredReason) -> Referral | None:
    """An accepted service did not happen. Routing starts again without that service. If the person was not found, the
    service is not excluded, and a search for the person comes first."""
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
    """End a referral. The reason decides whether the need is met, refused, closed, or stays open with a desk."""
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
    """The referral was a mistake. A desk owns its need, which is reopened if this referral had ended it."""
    need = work.journeys[referral.returnee_id].needs[referral.need_id]
    # A need can have several referrals. The one that met it ended at the same moment as the need.
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
