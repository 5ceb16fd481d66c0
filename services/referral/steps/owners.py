"""The owner of a need: naming a desk, passing the need to the desk above, and removing the owner.

Each owner has a clock (decision 0025). Any step that a person takes on the need is a sign of life. Without a sign of
life in time, the desk above becomes the owner, up to the steward. The steward gets reminders until they act.
"""

from uuid import UUID

from libs.events.catalogue.referral import NeedAssigned
from libs.events.codes import OwnerReason
from services.referral.journeys.actions.signs_of_life import clock_of, start_clock
from services.referral.journeys.facts import Need
from services.referral.journeys.work import Work
from services.referral.lifecycles.rules import NeedStep, next_need


def assign(work: Work, need: Need, *, owner: str, reason: OwnerReason, level: int = 0) -> None:
    """Make this desk the owner of the need and start the clock for its first sign of life."""
    next_need(need.status, NeedStep.ASSIGN)
    need.owner, need.owner_reason, need.owned_since, need.owner_level = owner, reason, work.at, level
    need.owner_seen_at = need.owner_overdue_since = None
    work.newly_owned.add(need.need_id)
    start_clock(work, need, clock_of(work, need).see_within)
    work.record(NeedStep.ASSIGN, need, reason=reason.value)
    work.tell_of_need(NeedAssigned, need, trace=need.traceparent, owner=owner, reason=reason)


def hand_over(work: Work, need: Need, *, to: str, note: str | None, hand_over_id: UUID) -> None:
    """A person transfers the need from its owner to another desk. The note belongs to the whole hand-over."""
    next_need(need.status, NeedStep.HAND_OVER)
    reason = OwnerReason.BY_HAND
    work.record(NeedStep.HAND_OVER, need, reason=reason.value, note=note, hand_over_id=hand_over_id)
    assign(work, need, owner=to, reason=reason)


def disown(work: Work, need: Need) -> None:
    """Remove the owner, for example because a provider now serves the need or the need has ended."""
    if need.owner is not None:
        need.owner = need.owner_reason = need.owned_since = None
        need.owner_level = 0
        need.owner_seen_at = need.owner_due_at = need.owner_overdue_since = None
        work.newly_owned.discard(need.need_id)
        work.stop_timers(need)
        work.change(need)


def pass_on(work: Work, need: Need) -> str | None:
    """The owner gave no sign of life: make the desk above the owner and return it.

    No desk is above the steward. The steward gets a reminder and None is returned.
    """
    if need.owner is None:
        raise LookupError("a need without an owner cannot be passed to the desk above")
    above = work.policy.desk_above(need.owner)
    if above is not None:
        assign(work, need, owner=above, reason=OwnerReason.OWNER_SILENT, level=need.owner_level + 1)
        return above
    need.owner_overdue_since = need.owner_overdue_since or work.at
    start_clock(work, need, clock_of(work, need).see_within)
    work.record(NeedStep.REMIND_OWNER, need, reason=OwnerReason.OWNER_SILENT.value)
    # The event is published again unchanged. It reminds consumers that notify people, and changes no state elsewhere.
    reason = need.owner_reason or OwnerReason.OWNER_SILENT
    work.tell_of_need(NeedAssigned, need, trace=need.traceparent, owner=need.owner, reason=reason)
    return None
