"""Who answers for a need now: naming a desk, passing the need on when it is silent, letting it go.

A named owner has a clock of its own (decision 0025). Any step that a person takes on the need is a sign of life; no
sign in time, and the desk above answers, up to the network's steward, who is reminded for as long as the silence lasts.
"""

from uuid import UUID

from libs.events.catalogue.referral import NeedAssigned
from libs.events.codes import OwnerReason
from services.referral.journeys.facts import Need
from services.referral.journeys.signs_of_life import clock_of, start_clock
from services.referral.journeys.work import Work
from services.referral.lifecycles.rules import NeedStep, next_need


def assign(work: Work, need: Need, *, owner: str, reason: OwnerReason, level: int = 0) -> None:
    """A named desk answers for the need now, and the clock of its first sign runs."""
    next_need(need.status, NeedStep.ASSIGN)
    need.owner, need.owner_reason, need.owned_since, need.owner_level = owner, reason, work.at, level
    need.owner_seen_at = need.owner_overdue_since = None
    work.newly_owned.add(need.need_id)
    start_clock(work, need, clock_of(work, need).see_within)
    work.record(NeedStep.ASSIGN, need, reason=reason.value)
    work.tell_of_need(NeedAssigned, need, trace=need.traceparent, owner=owner, reason=reason)


def hand_over(work: Work, need: Need, *, to: str, note: str | None, hand_over_id: UUID) -> None:
    """A person gives the need from the desk that owns it to another one; the note is that of the whole hand-over."""
    next_need(need.status, NeedStep.HAND_OVER)
    reason = OwnerReason.BY_HAND
    work.record(NeedStep.HAND_OVER, need, reason=reason.value, note=note, hand_over_id=hand_over_id)
    assign(work, need, owner=to, reason=reason)


def disown(work: Work, need: Need) -> None:
    """The desk no longer answers for it: a provider does, or the need has ended."""
    if need.owner is not None:
        need.owner = need.owner_reason = need.owned_since = None
        need.owner_level = 0
        need.owner_seen_at = need.owner_due_at = need.owner_overdue_since = None
        work.newly_owned.discard(need.need_id)
        work.stop_timers(need)
        work.change(need)


def pass_on(work: Work, need: Need) -> str | None:
    """The owner was silent: the desk above answers now and is returned. None above the steward's, who is reminded."""
    if need.owner is None:
        raise LookupError("only an owned need is passed on")
    above = work.policy.desk_above(need.owner)
    if above is not None:
        assign(work, need, owner=above, reason=OwnerReason.OWNER_SILENT, level=need.owner_level + 1)
        return above
    need.owner_overdue_since = need.owner_overdue_since or work.at
    start_clock(work, need, clock_of(work, need).see_within)
    work.record(NeedStep.REMIND_OWNER, need, reason=OwnerReason.OWNER_SILENT.value)
    # Told again as it stands: who watches for it is reminded, who keeps state learns nothing new.
    reason = need.owner_reason or OwnerReason.OWNER_SILENT
    work.tell_of_need(NeedAssigned, need, trace=need.traceparent, owner=need.owner, reason=reason)
    return None
