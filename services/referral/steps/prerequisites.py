"""Prerequisites: a need that waits for another need of the same person. They never form a cycle."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from libs.chassis.errors import FieldError, InvalidInput
from libs.taxonomy.model import Taxonomy
from services.referral.errors import PrerequisiteCycle, StepNotAllowed
from services.referral.journeys.facts import Journey, Need, Referral
from services.referral.journeys.work import Work
from services.referral.lifecycles.rules import NeedStatus, NeedStep, ReferralStatus
from services.referral.steps import routing as routing_steps


@dataclass(frozen=True, slots=True)
class DocumentNeed:
    """A need of a person that may yield a document."""

    need_id: UUID
    category: str
    kind: str | None
    is_open: bool
    """False: it is met."""


def kinds_yielding(taxonomy: Taxonomy, documents: Collection[str]) -> frozenset[str]:
    """The kinds after which a person has one of these documents."""
    return frozenset(kind for kind, known in taxonomy.kinds.items() if not set(known.yields).isdisjoint(documents))


def prerequisite_among(needs: Iterable[DocumentNeed], yielding: Collection[str], taxonomy: Taxonomy) -> UUID | None:
    """The open need to wait for: the first one of a kind that yields the document, else the first one of which only the
    category is known, if a kind of this category yields it. None if there is none."""
    waiting = [one for one in needs if one.is_open]
    categories = {taxonomy.kinds[kind].category for kind in yielding}
    exact = [one for one in waiting if one.kind in yielding]
    vague = [one for one in waiting if one.kind is None and one.category in categories]
    return next((one.need_id for one in (*exact, *vague)), None)


_CAN_WAIT = frozenset({ReferralStatus.SEEKING, ReferralStatus.WAITLISTED, ReferralStatus.BLOCKED})


def set_prerequisite(work: Work, need: Need, prerequisite_id: UUID) -> None:
    """From now on the need waits until the other one is met. If that is already met, the need does not wait.

    Refused if it would form a cycle, if a review or an offer for the need has begun, or if the prerequisite has ended
    without being met: waiting for it would never end, so a person must decide.
    """
    journey = work.journeys[need.returnee_id]
    prerequisite = journey.needs.get(prerequisite_id)
    if prerequisite is None or prerequisite_id == need.need_id:
        fault = FieldError("/need_id", "another-need-of-same-person", "Must be another need of the same person")
        raise InvalidInput("The prerequisite must be another need of the same person", errors=[fault])
    _require(need.status is NeedStatus.OPEN, "need", need.status.value)
    _require(prerequisite.status in {NeedStatus.OPEN, NeedStatus.MET}, "prerequisite", prerequisite.status.value)
    if closes_circle(waits_of(journey), need.need_id, prerequisite_id):
        raise PrerequisiteCycle
    referral = journey.live_referral(need.need_id)
    _require(referral is None or referral.status in _CAN_WAIT, "referral", _status_of(referral))
    if need.after_need_id == prerequisite_id:
        return
    need.after_need_id = prerequisite_id
    work.change(need)
    work.record(NeedStep.SET_PREREQUISITE, need)
    if referral is not None:
        _wait(work, referral, prerequisite)


def remove_prerequisite(work: Work, need: Need) -> None:
    """Remove the prerequisite that was set for the need. Nothing happens if it has none."""
    _require(need.status is NeedStatus.OPEN, "need", need.status.value, step="remove_prerequisite")
    before = need.after_need_id
    if before is None:
        return
    need.after_need_id = None
    work.change(need)
    work.record(NeedStep.REMOVE_PREREQUISITE, need)
    referral = work.journeys[need.returnee_id].live_referral(need.need_id)
    if referral is not None and referral.status is ReferralStatus.BLOCKED and referral.blocked_by == before:
        routing_steps.unblock(work, referral)


def waits_of(journey: Journey) -> dict[UUID, set[UUID]]:
    """For each need: the needs that it waits for, set by people or found by the router."""
    waits: dict[UUID, set[UUID]] = {}
    for need in journey.needs.values():
        if need.after_need_id is not None:
            waits.setdefault(need.need_id, set()).add(need.after_need_id)
    for referral in journey.referrals.values():
        if referral.status is ReferralStatus.BLOCKED and referral.blocked_by is not None:
            waits.setdefault(referral.need_id, set()).add(referral.blocked_by)
    return waits


def closes_circle(waits: Mapping[UUID, Iterable[UUID]], need_id: UUID, prerequisite_id: UUID) -> bool:
    """True if the prerequisite waits for the need itself, directly or through other needs."""
    seen: set[UUID] = set()
    ahead = [prerequisite_id]
    while ahead:
        current = ahead.pop()
        if current == need_id:
            return True
        if current not in seen:
            seen.add(current)
            ahead.extend(waits.get(current, ()))
    return False


def first_things_first(needs: Iterable[Need]) -> list[Need]:
    """These needs, sorted so that each follows its prerequisite."""
    by_id = {need.need_id: need for need in needs}

    def depth(need: Need) -> int:
        steps, current = 0, need
        while current.after_need_id in by_id and steps <= len(by_id):
            steps, current = steps + 1, by_id[current.after_need_id]
        return steps

    return sorted(by_id.values(), key=depth)


def _wait(work: Work, referral: Referral, prerequisite: Need) -> None:
    is_blocked = referral.status is ReferralStatus.BLOCKED
    if prerequisite.status is NeedStatus.MET:
        if is_blocked:
            routing_steps.unblock(work, referral)
    elif is_blocked:
        referral.blocked_by = prerequisite.need_id
        work.change(referral)
    else:
        routing_steps.block(work, referral, prerequisite.need_id)


def _status_of(referral: Referral | None) -> str:
    return "none" if referral is None else referral.status.value


def _require(holds: bool, subject: str, state: str, *, step: str = "set_prerequisite") -> None:
    if not holds:
        raise StepNotAllowed(
            f"{step} is not allowed while the {subject} is {state}", subject=subject, state=state, step=step
        )
