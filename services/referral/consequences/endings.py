"""The end of a journey: the person has died, left the country, or continues under another record. No need is lost."""

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from libs.events.codes import CancelReason, CloseReason, JourneyEnd, OwnerReason, RecallReason
from services.referral.journeys.facts import Journey, Need
from services.referral.journeys.work import Work
from services.referral.lifecycles.rules import ASKED_OR_WITH_PROVIDER, WITH_PROVIDER, NeedStatus, ReferralStatus
from services.referral.steps import needs as need_steps
from services.referral.steps import referrals as referral_steps
from services.referral.steps import routing as routing_steps
from services.referral.steps.owners import disown
from services.referral.steps.prerequisites import first_things_first
from services.referral.steps.routing import assign_to_desk


def end(work: Work, journey: Journey, *, reason: JourneyEnd) -> None:
    """The person has died or left. Their needs end with this reason, and their offers and referrals end with them.

    A need of a whole household is not closed, because the other members still have it. A desk decides about it.
    """
    _stop(work, journey, reason)
    # A need ends before its prerequisite. In the other order, a desk would become owner of a need that is about to end.
    for need in reversed(first_things_first(_open(journey))):
        if is_of_household(need):
            assign_to_desk(work, need, OwnerReason.JOURNEY_ENDED)
        else:
            need_steps.close(
                work,
                need,
                reason=CloseReason(reason.value),
                cancel=CancelReason(reason.value),
                recall=RecallReason.JOURNEY_ENDED,
            )


def leave_household(work: Work, reference: Journey, *, household_id: UUID | None) -> None:
    """The journey of a member has ended. A desk becomes the owner of the open needs of the whole household."""
    for need in _open(reference):
        if is_of_household(need) and need.household_id == household_id:
            assign_to_desk(work, need, OwnerReason.JOURNEY_ENDED)


def resume(work: Work, journey: Journey) -> None:
    """The end was a mistake, or the person is back. Needs that the end had closed are reopened. Later needs are
    routed."""
    ended_at, reason = journey.journey_ended_at, journey.journey_end_reason
    _go_on(work, journey)
    _let_go(work, journey, OwnerReason.JOURNEY_ENDED)
    for need in first_things_first(journey.needs.values()):
        if need.status is NeedStatus.CLOSED and (need.ended_at, need.end_reason) == (ended_at, reason):
            need_steps.reopen(work, need)


def merge(work: Work, merged: Journey, into: Journey, *, conflicting: Collection[UUID] = ()) -> None:
    """Two records are one person, who continues as `into`.

    Accepted referrals continue under their own record. If both records have an open need of the same kind, one of them
    is closed as a duplicate. All other needs of `merged` that no provider has accepted move to `into` and keep their
    waiting time. `conflicting`: organisations with a conflict of interest, which are asked for neither record.
    """
    merged.merged_into = into.returnee_id
    _stop(work, merged, JourneyEnd.MERGED)
    going = first_things_first(need for need in _open(merged) if not _is_taken(merged, need))
    twins = {need.need_id: _twin_of(need, into) for need in going}
    for need in [one for one in _open(merged) if _is_taken(merged, one)]:
        twin = _twin_of(need, into)
        if twin is not None and not _is_taken(into, twin):
            _close(work, twin, CloseReason.DUPLICATE)
    # A need ends before its prerequisite, and is opened after it.
    for need in reversed(going):
        _close(work, need, CloseReason.MERGED if twins[need.need_id] is None else CloseReason.DUPLICATE)
    for need in going:
        twin = twins[need.need_id] or _move(work, need, merged, into)
        work.moved.append((need.need_id, twin.need_id))
    for organization_id in conflicting:
        referral_steps.avoid_organization(work, merged, organization_id)
        referral_steps.avoid_organization(work, into, organization_id)


def unmerge(work: Work, apart: Journey, kept: Journey) -> None:
    """The merge was wrong. Each record gets its own needs back.

    A moved need that a provider has accepted, or that has ended, stays under the other record. A desk then decides
    about the original need.
    """
    at = apart.journey_ended_at
    _go_on(work, apart)
    apart.merged_into = None
    _let_go(work, apart, OwnerReason.MERGED)
    reasons = {CloseReason.MERGED.value, CloseReason.DUPLICATE.value}
    for need in first_things_first(apart.needs.values()):
        if need.status is NeedStatus.CLOSED and need.ended_at == at and need.end_reason in reasons:
            _take_back(work, need, kept)
    for need in list(kept.needs.values()):
        ended_so = (need.ended_at, need.end_reason) == (at, CloseReason.DUPLICATE.value)
        if need.status is NeedStatus.CLOSED and ended_so and need.moved_from is None:
            need_steps.reopen(work, need)


def is_of_household(need: Need) -> bool:
    """True for a need of several people of a household."""
    return need.household_id is not None and need.people_count > 1


def _move(work: Work, need: Need, merged: Journey, into: Journey) -> Need:
    """Move the need to the record that stays, with its prerequisite. If that does not move, a desk decides."""
    first = None if need.after_need_id is None else merged.needs.get(need.after_need_id)
    after = None if first is None else _heir_of(first, into)
    goes_on = replace(
        need,
        need_id=work.new_id(),
        returnee_id=into.returnee_id,
        after_need_id=None if after is None else after.need_id,
        status=NeedStatus.OPEN,
        ended_at=None,
        end_reason=None,
        moved_from=need.need_id,
    )
    need_steps.report(work, goes_on)
    waits_on_nobody = need.after_need_id is not None and after is None
    if waits_on_nobody and (first is None or first.status is not NeedStatus.MET) and goes_on.owner is None:
        assign_to_desk(work, goes_on, OwnerReason.PREREQUISITE_UNMET)
    return goes_on


def _heir_of(need: Need, into: Journey) -> Need | None:
    """The need that continues in place of a need of the merged record: the moved need, or an open one of its kind."""
    moved = next((one for one in into.needs.values() if one.moved_from == need.need_id), None)
    return moved or _twin_of(need, into)


def _take_back(work: Work, need: Need, kept: Journey) -> None:
    moved = next((one for one in kept.needs.values() if one.moved_from == need.need_id), None)
    if moved is None:
        need_steps.reopen(work, need)
    elif moved.status is NeedStatus.OPEN and not _is_taken(kept, moved):
        _close(work, moved, CloseReason.MERGED)
        need_steps.reopen(work, need)
    else:
        need_steps.reopen_for_owner(work, need)
        assign_to_desk(work, need, OwnerReason.MERGED)


def _close(work: Work, need: Need, reason: CloseReason) -> None:
    need_steps.close(work, need, reason=reason, cancel=CancelReason(reason.value), recall=RecallReason.MERGED)


def _twin_of(need: Need, journey: Journey) -> Need | None:
    """An open need of the same category and kind."""
    return next(
        (
            one
            for one in _open(journey)
            if (one.category, one.kind) == (need.category, need.kind) and is_of_household(one) == is_of_household(need)
        ),
        None,
    )


def _is_taken(journey: Journey, need: Need) -> bool:
    referral = journey.live_referral(need.need_id)
    return referral is not None and referral.status in WITH_PROVIDER


def _open(journey: Journey) -> list[Need]:
    return [need for need in journey.needs.values() if need.status is NeedStatus.OPEN]


def _stop(work: Work, journey: Journey, reason: JourneyEnd) -> None:
    journey.journey_ended_at, journey.journey_end_reason = work.at, reason.value
    work.journeys_changed.add(journey.returnee_id)


def _go_on(work: Work, journey: Journey) -> None:
    journey.journey_ended_at = journey.journey_end_reason = None
    work.journeys_changed.add(journey.returnee_id)


def _let_go(work: Work, journey: Journey, reason: OwnerReason) -> None:
    """Remove desks that own needs only for this reason. The needs are routed again, or are still with a provider."""
    for need in _open(journey):
        if need.owner_reason is reason:
            referral = journey.live_referral(need.need_id)
            if referral is None:
                need_steps.route_again(work, need)
            elif referral.status in ASKED_OR_WITH_PROVIDER:
                disown(work, need)
            elif referral.status in {ReferralStatus.SEEKING, ReferralStatus.WAITLISTED}:
                disown(work, need)
                need_steps.seek_again(work, need)
                routing_steps.start_routing_clock(work, referral)
