"""Opens a referral for a need and starts its first clocks. It is blocked, awaits a review, or seeks a provider."""

from libs.events.catalogue.referral import ReferralOpened
from libs.events.codes import JourneyEnd, OwnerReason
from services.referral.candidates.interlocks import review_reason
from services.referral.clocks.rules import TimerKind
from services.referral.errors import JourneyEnded
from services.referral.journeys.facts import URGENCY_RANK, Need, Referral
from services.referral.journeys.work import Work
from services.referral.lifecycles.rules import NeedStatus, ReferralStatus, ReferralStep
from services.referral.steps import routing as routing_steps
from services.referral.steps.people import as_told


def open_referral(work: Work, need: Need, *, approved_for: frozenset[str] = frozenset()) -> Referral:
    """Open a referral for the need. It is blocked by another need, awaits a review, or seeks a provider at once."""
    journey = work.journeys[need.returnee_id]
    prerequisite = None if need.after_need_id is None else journey.needs.get(need.after_need_id)
    waits = need.after_need_id is not None and (prerequisite is None or prerequisite.status is not NeedStatus.MET)
    referral = Referral(
        referral_id=work.new_id(),
        need_id=need.need_id,
        returnee_id=need.returnee_id,
        household_id=need.household_id,
        arrival_batch_id=need.arrival_batch_id,
        category=need.category,
        kind=need.kind,
        urgency=need.urgency,
        urgency_rank=URGENCY_RANK[need.urgency],
        people_count=need.people_count,
        restricted=need.restricted,
        status=ReferralStatus.BLOCKED if waits else ReferralStatus.SEEKING,
        approved_for=approved_for,
        waiting_since=need.reported_at,
        opened_at=work.at,
        blocked_by=need.after_need_id if waits else None,
        traceparent=need.traceparent,
    )
    journey.referrals[referral.referral_id] = work.add(referral)
    work.tell_of_referral(
        ReferralOpened, referral, trace=need.traceparent, urgency=need.urgency, people_count=need.people_count
    )
    work.record(ReferralStep.OPEN, referral)
    _begin(work, referral, need, prerequisite)
    return referral


def open_unless_ended(work: Work, need: Need, *, approved_for: frozenset[str] = frozenset()) -> Referral | None:
    """Open a referral, unless the journey of the person has ended: then a desk owns the need."""
    end = work.journeys[need.returnee_id].journey_end_reason
    if end is None:
        return open_referral(work, need, approved_for=approved_for)
    reason = OwnerReason.MERGED if end == JourneyEnd.MERGED else OwnerReason.JOURNEY_ENDED
    routing_steps.assign_to_desk(work, need, reason)
    return None


def require_going_on(work: Work, need: Need) -> None:
    """Refuse to route for a person whose journey has ended; raises JourneyEnded."""
    end = work.journeys[need.returnee_id].journey_end_reason
    if end is not None:
        raise JourneyEnded(reason=end)


def _begin(work: Work, referral: Referral, need: Need, prerequisite: Need | None) -> None:
    """Start the first wait of the new referral: for a prerequisite, for a review, or for the router."""
    if referral.status is ReferralStatus.BLOCKED:
        if prerequisite is None:
            # The other need has not been reported yet, and perhaps never will be. Therefore a clock limits the wait.
            _start_routing_clocks(work, referral)
        elif prerequisite.status is not NeedStatus.OPEN:
            routing_steps.escalate(work, referral, OwnerReason.PREREQUISITE_UNMET)
        return
    told = as_told(need, work.journeys[need.returnee_id], approved_for=referral.approved_for)
    reason = review_reason(told, work.policy)
    if reason is not None:
        routing_steps.request_review(work, referral, reason)
        return
    routing_steps.seek(work, referral)
    _start_routing_clocks(work, referral)


def _start_routing_clocks(work: Work, referral: Referral) -> None:
    if referral.household_id is not None:
        within = work.policy.rounds.household_timeout
        work.start_timer(TimerKind.HOUSEHOLD_DEADLINE, referral, due_at=work.due_in(within))
    routing_steps.start_routing_clock(work, referral)
