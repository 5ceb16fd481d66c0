"""A need that is reported again: with a higher urgency than before, or after it had ended."""

from collections.abc import Mapping

from libs.events.codes import RecallReason, Urgency
from libs.events.detail_values import DetailValue
from services.referral.clocks.rules import TimerKind
from services.referral.journeys.facts import URGENCY_RANK, Need, Referral
from services.referral.journeys.work import Work
from services.referral.lifecycles.rules import NeedStatus, NeedStep, ReferralStatus
from services.referral.steps import needs as need_steps
from services.referral.steps import referrals as referral_steps
from services.referral.steps import routing as routing_steps


def is_more_exact(need: Need, *, kind: str | None, detail_values: Mapping[str, DetailValue]) -> bool:
    """True if this report names the kind of a need of which only the category was known, or other details of its
    kind."""
    if kind is None or need.kind not in (None, kind):
        return False
    return need.kind is None or dict(detail_values) != dict(need.detail_values)


def tell_again(
    work: Work,
    need: Need,
    *,
    urgency: Urgency,
    kind: str | None = None,
    detail_values: Mapping[str, DetailValue] | None = None,
) -> None:
    """The need has been reported again. If it had ended, it is reopened. A higher urgency applies from now on, and so
    do a kind that was found out and its details.

    An offer that was made with the lower urgency and is not answered yet is recalled, so that it is made again with the
    deadline of the new urgency. An accepted referral continues.
    """
    is_more_urgent = URGENCY_RANK[urgency] < URGENCY_RANK[need.urgency]
    if is_more_urgent:
        need.urgency = urgency
        work.change(need)
    if is_more_exact(need, kind=kind, detail_values=detail_values or {}):
        _refine(work, need, str(kind), detail_values or {})
    if need.status is not NeedStatus.OPEN:
        need_steps.reopen(work, need)
        return
    if not is_more_urgent:
        return
    work.record(NeedStep.TELL_AGAIN, need, reason=urgency.value)
    referral = work.journeys[need.returnee_id].live_referral(need.need_id)
    if referral is not None:
        _hasten(work, referral, urgency)


def _refine(work: Work, need: Need, kind: str, detail_values: Mapping[str, DetailValue]) -> None:
    """What is needed has been found out. A referral that waits seeks a service of this kind; one that a provider has
    accepted continues, because it may be the service that found it out."""
    need.kind, need.detail_values = kind, detail_values
    work.change(need)
    if need.status is not NeedStatus.OPEN:
        return
    work.record(NeedStep.REFINE, need, reason=kind)
    referral = work.journeys[need.returnee_id].live_referral(need.need_id)
    if referral is None:
        return
    referral.kind = kind
    work.change(referral)
    if referral.status in {ReferralStatus.SEEKING, ReferralStatus.WAITLISTED}:
        routing_steps.seek(work, referral)


def _hasten(work: Work, referral: Referral, urgency: Urgency) -> None:
    referral.urgency, referral.urgency_rank = urgency, URGENCY_RANK[urgency]
    work.change(referral)
    offer = work.journeys[referral.returnee_id].offer_of(referral)
    if offer is not None and offer.is_live:
        referral_steps.recall_offer(work, offer, reason=RecallReason.MORE_URGENT)
    elif referral.status in {ReferralStatus.SEEKING, ReferralStatus.WAITLISTED}:
        routing_steps.seek(work, referral)
        if referral.status is ReferralStatus.SEEKING and referral.searching_since is None:
            work.stop_timer(TimerKind.ROUTING_DEADLINE, referral)
            routing_steps.start_routing_clock(work, referral)
