"""Who answers for a need now: naming a desk, hearing from it, passing the need on when it is silent, letting it go.

A named owner has a clock of its own (decision 0025). Any step that a person takes on the need is a sign of life; no
sign in time, and the desk above answers, up to the network's steward, who is reminded for as long as the silence lasts.
"""

from libs.events.catalogue.referral import NeedAssigned
from libs.events.codes import OwnerReason
from services.referral.clocks.tables import TimerKind
from services.referral.journeys.facts import Need
from services.referral.journeys.rules import NeedStep, next_need
from services.referral.journeys.work import AUTOMATIC, Work
from services.referral.pack import RoutingPolicy
from services.referral.pack_clocks import OwnerClock


def assign(work: Work, need: Need, *, owner: str, reason: OwnerReason, level: int = 0) -> None:
    """A named desk answers for the need now, and the clock of its first sign runs."""
    next_need(need.status, NeedStep.ASSIGN)
    need.owner, need.owner_reason, need.owned_since, need.owner_level = owner, reason, work.at, level
    need.owner_seen_at = need.owner_overdue_since = None
    work.newly_owned.add(need.need_id)
    _start_clock(work, need, _clock(work, need).see_within)
    work.record("need.assign", need, reason=reason.value)
    work.tell_of_need(NeedAssigned, need, trace=need.traceparent, owner=owner, reason=reason)


def disown(work: Work, need: Need) -> None:
    """The desk no longer answers for it: a provider does, or the need has ended."""
    if need.owner is not None:
        need.owner = need.owner_reason = need.owned_since = None
        need.owner_level = 0
        need.owner_seen_at = need.owner_due_at = need.owner_overdue_since = None
        work.newly_owned.discard(need.need_id)
        work.stop_timers(need)
        work.change(need)


def see(work: Work, need: Need) -> None:
    """The owner has given a sign of life: the longer clock starts anew."""
    need.owner_seen_at, need.owner_overdue_since = work.at, None
    _start_clock(work, need, _clock(work, need).act_within)


def pass_on(work: Work, need: Need) -> str | None:
    """The owner was silent: the desk above answers now and is returned. None above the steward's, who is reminded."""
    if need.owner is None:
        raise LookupError("only an owned need is passed on")
    above = work.policy.desk_above(need.owner)
    if above is not None:
        assign(work, need, owner=above, reason=OwnerReason.OWNER_SILENT, level=need.owner_level + 1)
        return above
    need.owner_overdue_since = need.owner_overdue_since or work.at
    _start_clock(work, need, _clock(work, need).see_within)
    work.record("need.remind_owner", need, reason=OwnerReason.OWNER_SILENT.value)
    # Told again as it stands: who watches for it is reminded, who keeps state learns nothing new.
    reason = need.owner_reason or OwnerReason.OWNER_SILENT
    work.tell_of_need(NeedAssigned, need, trace=need.traceparent, owner=need.owner, reason=reason)
    return None


def note_signs_of_life(work: Work) -> None:
    """Whoever took a step on an owned need by hand shows that somebody is at it.

    Not the answer of a provider to its offer: that says nothing of the owner. Nor the step that named the owner.
    """
    for step in work.steps:
        if step.actor in AUTOMATIC or step.step.startswith("offer."):
            continue
        need = work.journeys[step.returnee_id].needs.get(step.need_id)
        if need is not None and need.owner is not None and need.need_id not in work.newly_owned:
            see(work, need)


def desks(policy: RoutingPolicy) -> frozenset[str]:
    """Every desk that the country pack names."""
    lead = {category.lead_desk for category in policy.categories.values()}
    above = {*policy.escalates_to, *policy.escalates_to.values()}
    return frozenset(lead | above | {policy.steward_desk, policy.child_desk})


def _clock(work: Work, need: Need) -> OwnerClock:
    return work.category(need.category).owner_clocks[need.urgency]


def _start_clock(work: Work, need: Need, seconds: float) -> None:
    work.stop_timers(need)
    need.owner_due_at = work.due_in(seconds)
    work.start_timer(TimerKind.OWNER_SILENCE, need, due_at=need.owner_due_at)
    work.change(need)
