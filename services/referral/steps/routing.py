"""The steps of a referral on its way to an offer: review, prerequisite, seeking, queue, and nobody left to ask."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from libs.events.catalogue.referral import ReferralEscalated, ReferralReviewRequested, ReferralWaitlisted
from libs.events.codes import OwnerReason
from services.referral.candidates.choice import Candidate
from services.referral.candidates.interlocks import ReviewReason
from services.referral.clocks.rules import TimerKind
from services.referral.journeys.facts import NEVER_BY_ITSELF, Need, Offer, Referral
from services.referral.journeys.work import ReviewAsked, ReviewDecided, Work
from services.referral.lifecycles.rules import ReferralStatus, ReferralStep, next_referral
from services.referral.reviews.rules import ReviewStatus
from services.referral.steps import offers as offer_steps
from services.referral.steps import searches as search_steps
from services.referral.steps.owners import assign, disown, pass_on


def take(
    work: Work, referral: Referral, step: ReferralStep, *, reason: str | None = None, note: str | None = None
) -> str | None:
    """Take one step by the table of states and record it; a step that leaves the queue gives up its place there."""
    if referral.status is ReferralStatus.WAITLISTED:
        work.unqueue(referral)
    referral.status = next_referral(referral.status, step)
    work.change(referral)
    work.record(step, referral, reason=reason, note=note)
    return referral.traceparent


def need_of(work: Work, referral: Referral) -> Need:
    """The need that the referral works for."""
    return work.journeys[referral.returnee_id].needs[referral.need_id]


def seek(work: Work, referral: Referral) -> None:
    """Let the next round look at the referral, unless somebody looks for the person first."""
    if referral.searching_since is not None:
        return
    referral.ready_at, referral.tried_opening = work.at, -1
    work.change(referral)


def rest(work: Work, referral: Referral, *, opening: int = NEVER_BY_ITSELF) -> None:
    """Keep the router from looking again until more than `opening` openings have been counted in its category."""
    referral.ready_at, referral.tried_opening = None, opening
    work.change(referral)


def start_routing_clock(work: Work, referral: Referral) -> None:
    """From now on an offer must be made in time, or the lead desk owns the need."""
    within = work.category(referral.category).route_within[referral.urgency]
    work.start_timer(TimerKind.ROUTING_DEADLINE, referral, due_at=work.due_in(within))


def escalate(work: Work, referral: Referral, reason: OwnerReason) -> None:
    """Name the lead agency's desk as owner; no state changes. A need that has an owner keeps it."""
    next_referral(referral.status, ReferralStep.ESCALATE)
    need = need_of(work, referral)
    if need.owner is not None:
        return
    owner = work.category(referral.category).lead_desk
    assign(work, need, owner=owner, reason=reason)
    work.record(ReferralStep.ESCALATE, referral, reason=reason.value)
    work.tell_of_referral(ReferralEscalated, referral, trace=referral.traceparent, owner=owner, reason=reason)


def escalate_silence(work: Work, need: Need) -> None:
    """The owner has given no sign of life in time: the desk above answers now, and who watches the referral is told."""
    above = pass_on(work, need)
    referral = work.journeys[need.returnee_id].live_referral(need.need_id)
    if above is None or referral is None:
        return
    reason = OwnerReason.OWNER_SILENT
    work.record(ReferralStep.ESCALATE, referral, reason=reason.value)
    work.tell_of_referral(ReferralEscalated, referral, trace=referral.traceparent, owner=above, reason=reason)


def widen(work: Work, referral: Referral, ring: int) -> None:
    """Nobody is left to ask nearer by: the search widens to this ring, and never narrows again."""
    referral.ring = ring
    work.change(referral)
    work.record(ReferralStep.WIDEN, referral, reason=f"ring_{ring}")


def hand_to_desk(work: Work, need: Need, reason: OwnerReason) -> None:
    """A desk decides about the need for this reason: the one that owns it already, or else the lead desk."""
    assign(work, need, owner=need.owner or work.category(need.category).lead_desk, reason=reason)


def hand_over(work: Work, referral: Referral, reason: OwnerReason) -> None:
    """Routing stops for a reason that a person must see: the desk that owns the need, or else the lead desk."""
    need = need_of(work, referral)
    hand_to_desk(work, need, reason)
    work.record(ReferralStep.ESCALATE, referral, reason=reason.value)
    work.tell_of_referral(ReferralEscalated, referral, trace=referral.traceparent, owner=need.owner, reason=reason)


def look_again(work: Work, referral: Referral, *, at: datetime, opening: int = NEVER_BY_ITSELF) -> None:
    """Somebody could take it but is not asked now; the routing or waiting clock runs on.

    One in the queue is looked at before, if more than `opening` openings are counted.
    """
    referral.ready_at, referral.tried_opening = at, opening
    work.change(referral)


def serve(work: Work, referral: Referral) -> None:
    """Take the referral out of the queue."""
    take(work, referral, ReferralStep.SERVE)


def block(work: Work, referral: Referral, prerequisite: UUID) -> None:
    """Another need of the person has to be met first."""
    if referral.status is ReferralStatus.WAITLISTED:
        serve(work, referral)
    take(work, referral, ReferralStep.BLOCK)
    referral.blocked_by = prerequisite
    rest(work, referral)
    work.stop_timers(referral)


def request_review(work: Work, referral: Referral, reason: ReviewReason) -> None:
    """A person decides before anything is offered; the desk of that person owns the need until then."""
    take(work, referral, ReferralStep.REQUEST_REVIEW, reason=reason.value)
    rest(work, referral)
    work.stop_timers(referral)
    desk = work.category(referral.category).lead_desk
    if reason is ReviewReason.AGE_UNRESOLVED:
        desk = work.policy.child_desk
    work.reviews_asked.append(ReviewAsked(work.new_id(), referral, reason.value, desk))
    work.tell_of_referral(ReferralReviewRequested, referral, trace=referral.traceparent, owner=desk)
    unsafe = reason is ReviewReason.UNSAFE
    owned_for = OwnerReason.UNSAFE if unsafe else OwnerReason.REVIEW_REQUIRED
    assign(work, need_of(work, referral), owner=desk, reason=owned_for)


def approve(work: Work, referral: Referral, *, reason: ReviewReason, note: str | None = None) -> None:
    """A person has decided that nothing speaks against an offer for this reason; any other has a review of its own."""
    take(work, referral, ReferralStep.APPROVE, note=note)
    referral.approved_for |= {reason.value}
    work.reviews_decided.append(ReviewDecided(referral.referral_id, ReviewStatus.APPROVED, work.actor))
    disown(work, need_of(work, referral))
    seek(work, referral)
    start_routing_clock(work, referral)


def unblock(work: Work, referral: Referral) -> None:
    """The need that it waited on is met."""
    take(work, referral, ReferralStep.UNBLOCK)
    referral.blocked_by = None
    need = need_of(work, referral)
    if need.owner_reason is OwnerReason.PREREQUISITE_UNMET:
        disown(work, need)
    seek(work, referral)
    work.stop_timers(referral)
    start_routing_clock(work, referral)


def offer(work: Work, referral: Referral, candidate: Candidate, *, explanation: dict[str, object]) -> Offer:
    """Put the referral to the candidate, whose places the ledger already holds."""
    if referral.status is ReferralStatus.WAITLISTED:
        serve(work, referral)
    take(work, referral, ReferralStep.OFFER)
    work.stop_timers(referral)
    rest(work, referral)
    made = offer_steps.make(work, referral, candidate, explanation=explanation)
    referral.offer_id = made.offer_id
    return made


def waitlist(
    work: Work,
    referral: Referral,
    services: tuple[UUID, ...],
    places: Mapping[UUID, int],
    *,
    opening: int,
    look_at: datetime | None = None,
) -> None:
    """Only a missing place keeps the referral from an offer: it joins the queue, or keeps its place there.

    `places`: the pools that it waits for, with how many it needs in each. `look_at`: when a service that is closed now
    could be asked, if there is one.
    """
    if referral.status is not ReferralStatus.WAITLISTED:
        take(work, referral, ReferralStep.WAITLIST)
        work.stop_timers(referral)
        within = work.category(referral.category).waitlist_within[referral.urgency]
        work.start_timer(TimerKind.WAITLIST_DEADLINE, referral, due_at=work.due_in(within))
        work.tell_of_referral(ReferralWaitlisted, referral, trace=referral.traceparent)
    rest(work, referral, opening=opening)
    referral.ready_at = look_at
    work.queue(referral, services, places)


def nobody(work: Work, referral: Referral, *, asked_before: bool, opening: int) -> None:
    """No service of the network may take it now: the lead desk owns the need, the referral goes on seeking.

    A referral in the queue leaves it. What opens later, such as a new service, wakes the referral.
    """
    if referral.status is ReferralStatus.WAITLISTED:
        serve(work, referral)
    rest(work, referral, opening=opening)
    work.stop_timers(referral)
    escalate(work, referral, OwnerReason.CANDIDATES_SPENT if asked_before else OwnerReason.NO_CANDIDATE)


def wait_for_person(work: Work, referral: Referral) -> None:
    """The person could not be found: a desk looks for them before anything else is offered."""
    rest(work, referral)
    work.stop_timers(referral)
    hand_over(work, referral, OwnerReason.PERSON_NOT_FOUND)
    search_steps.begin(work, referral)


def ask_person(work: Work, referral: Referral) -> None:
    """A provider says that the person refused: a desk asks the person before anything else is offered."""
    rest(work, referral)
    work.stop_timers(referral)
    hand_over(work, referral, OwnerReason.PERSON_REFUSED)
