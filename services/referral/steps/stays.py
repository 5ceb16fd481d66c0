"""The steps of a stay: it begins with its service, has alarms, may be extended, and ends with its referral."""

from collections.abc import Mapping

from libs.chassis.tenancy import StaffOnly
from libs.events.catalogue.referral import StayEnding
from libs.events.codes import CancelReason, OwnerReason, StayPhase
from services.referral.clocks.rules import TimerKind
from services.referral.errors import ExtensionTooLong, ExtensionTooShort
from services.referral.journeys.facts import Offer, Referral, Stay
from services.referral.journeys.work import StayEnd, Work
from services.referral.lifecycles import exit_plan
from services.referral.lifecycles.exit_plan import ExitItem, ItemStatus, NextStep
from services.referral.lifecycles.rules import ReferralStatus, ReferralStep, next_referral
from services.referral.pack.stays import StayPolicy
from services.referral.steps.owners import disown
from services.referral.steps.routing import advance, escalate, need_of

_HOUR_S = 3600
_NOBODY_TO_ASK = frozenset(
    {
        CancelReason.DUPLICATE.value,
        CancelReason.ERASED.value,
        CancelReason.DIED.value,
        CancelReason.LEFT_THE_COUNTRY.value,
        CancelReason.MERGED.value,
    }
)
"""Reasons for the end of a referral or need after which nobody needs to ask where the people go."""


def longest(policy: StayPolicy, offer: Offer) -> float | None:
    """How long people may stay with this service, in seconds. None if the length of the service is not limited."""
    limits = [] if offer.max_stay_hours is None else [float(offer.max_stay_hours * _HOUR_S)]
    if offer.service_type in policy.of_type:
        limits.append(policy.of_type[offer.service_type].maximum)
    return min(limits, default=None)


def begin(work: Work, referral: Referral, offer: Offer) -> bool:
    """The people have arrived: begin their exit plan and its clocks. Returns False if the service is not a stay.

    A stay has no clock for its outcome, because the outcome is known when the people leave. The clock of its end
    replaces it.
    """
    seconds = longest(work.policy.stays, offer)
    if seconds is None:
        return False
    ends_at = work.due_in(seconds)
    stay = Stay(
        referral_id=referral.referral_id,
        offer_id=offer.offer_id,
        need_id=referral.need_id,
        returnee_id=referral.returnee_id,
        organization_id=offer.organization_id,
        provider_service_id=offer.provider_service_id,
        category=offer.category,
        service_type=offer.service_type,
        people_count=offer.people_count,
        restricted=offer.restricted,
        started_at=work.at,
        ends_at=ends_at,
        leaves_at=ends_at,
        traceparent=offer.traceparent,
    )
    work.stays_begun.append(stay)
    _start_clocks(work, referral, stay)
    return True


def _start_clocks(work: Work, referral: Referral, stay: Stay) -> None:
    """Start the clocks of the alarms that are in the future, and of the end. They replace those of an earlier end."""
    for nth, before in enumerate(work.policy.stays.alarms_before_end):
        due_at = stay.due_before_end(before)
        if due_at > max(work.at, stay.started_at):
            work.start_timer(TimerKind.STAY_ALARM, referral, due_at=due_at, nth=nth)
    work.start_timer(TimerKind.STAY_END, referral, due_at=stay.ends_at)


def alarm(work: Work, referral: Referral, stay: Stay, *, nth: int) -> None:
    """The end approaches: remind the provider. At a late alarm with gaps in the plan, the lead desk owns the need."""
    advance(work, referral, ReferralStep.ALARM_STAY, reason=f"alarm_{nth + 1}")
    _tell(work, referral, stay, StayPhase.NEARING)
    if nth + 1 >= work.policy.stays.owned_from_alarm and not stay.is_planned:
        escalate(work, referral, OwnerReason.STAY_ENDING)


def run_out(work: Work, referral: Referral, stay: Stay) -> None:
    """The time is over and the people are still there. The lead desk owns the need, even if the plan is complete.

    Their places stay taken until somebody reports that the people have left.
    """
    advance(work, referral, ReferralStep.RUN_OUT)
    _tell(work, referral, stay, StayPhase.OVER)
    escalate(work, referral, OwnerReason.STAY_ENDING)


def extend(work: Work, referral: Referral, stay: Stay, *, hours: int, note: str) -> None:
    """A person extends the stay and gives a reason, which only referral stores. New alarms and a new end are set."""
    next_referral(referral.status, ReferralStep.EXTEND_STAY)
    policy = work.policy.stays
    of_type = policy.of_type.get(stay.service_type)
    bound = policy.extension_max if of_type is None else of_type.extension_max
    hours_left = int(bound // _HOUR_S) - stay.extended_hours
    if hours > hours_left:
        raise ExtensionTooLong(hours_left=hours_left)
    if stay.due_after_end(hours * _HOUR_S) <= work.at:
        raise ExtensionTooShort
    stay.ends_at = stay.leaves_at = stay.due_after_end(hours * _HOUR_S)
    stay.extended_hours += hours
    work.change_stay(stay)
    advance(work, referral, ReferralStep.EXTEND_STAY, reason=f"hours_{hours}", note=note)
    _start_clocks(work, referral, stay)
    _tell(work, referral, stay, StayPhase.EXTENDED)
    _let_go(work, referral, stay)


def plan(
    work: Work, referral: Referral, stay: Stay, *, next_step: NextStep, items: Mapping[ExitItem, ItemStatus]
) -> None:
    """Update the exit plan: where the people go, and what is arranged. Each change is recorded as a step."""
    told = {item.value: status.value for item, status in items.items() if stay.checklist[item].status is not status}
    if stay.next_step is not next_step:
        told["next_step"] = next_step.value
    for what, code in told.items():
        advance(work, referral, ReferralStep.PLAN_EXIT, reason=f"{what}:{code}")
    stay.next_step = next_step
    stay.checklist = exit_plan.changed(stay.checklist, items, at=work.at, by=work.actor)
    stay.without_next_step = not stay.is_planned
    work.change_stay(stay)
    _let_go(work, referral, stay)


def end(work: Work, referral: Referral) -> None:
    """The referral has ended, and with it its stay, if there was one.

    People who leave with gaps in the plan stay on the list of those without a next step. A stay is not on that list if
    its referral was entered in error or not delivered, or ended for one of the reasons in `_NOBODY_TO_ASK`.
    """
    why = {referral.end_reason, need_of(work, referral).end_reason}
    leaving = referral.status is ReferralStatus.COMPLETED or (
        referral.status is ReferralStatus.CANCELLED and not why & _NOBODY_TO_ASK
    )
    work.stays_ended[referral.referral_id] = StayEnd(referral.referral_id, leaving)


def require_plannable(referral: Referral, *, by_staff: bool) -> None:
    """Refuse a change of the plan if there is no stay. After the end of a stay only staff may change it."""
    next_referral(referral.status, ReferralStep.PLAN_EXIT)
    if not (by_staff or referral.is_live):
        raise StaffOnly


def _let_go(work: Work, referral: Referral, stay: Stay) -> None:
    """Remove a desk that became the owner because of gaps in the plan, if the plan is complete before the end."""
    need = need_of(work, referral)
    running = stay.ended_at is None and stay.ends_at > work.at
    if running and stay.is_planned and need.owner_reason is OwnerReason.STAY_ENDING:
        disown(work, need)


def _tell(work: Work, referral: Referral, stay: Stay, phase: StayPhase) -> None:
    offer = work.journeys[referral.returnee_id].offers[stay.offer_id]
    work.tell_of_offer(StayEnding, offer, trace=offer.traceparent, ends_at=stay.ends_at, phase=phase)
