"""The steps of a referral before an offer: review, prerequisite, seeking, queue, and no candidate left."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from libs.events.catalogue.referral import ReferralEscalated, ReferralReviewRequested, ReferralWaitlisted
from libs.events.codes import OwnerReason
from libs.events.people_codes import AgeGroup
from services.referral.candidates.choice import Candidate
from services.referral.candidates.interlocks import ReviewReason
from services.referral.candidates.reasons import Exclusion
from services.referral.clocks.rules import TimerKind
from services.referral.journeys.facts import NEVER_BY_ITSELF, UNTIL_TOLD, Need, Offer, Referral
from services.referral.journeys.work import ReviewAsked, Work
from services.referral.lifecycles.rules import ReferralStatus, ReferralStep, next_referral
from services.referral.reviews.rules import AgeDecision, ReviewDecided, ReviewStatus
from services.referral.steps import offers as offer_steps
from services.referral.steps import searches as search_steps
from services.referral.steps.owners import assign, disown, pass_on


def advance(
    work: Work, referral: Referral, step: ReferralStep, *, reason: str | None = None, note: str | None = None
) -> str | None:
    """Take one step of the table of states and record it. A referral in the queue leaves it with the step."""
    if referral.status is ReferralStatus.WAITLISTED:
        work.unqueue(referral)
    referral.status = next_referral(referral.status, step)
    work.change(referral)
    work.record(step, referral, reason=reason, note=note)
    return referral.traceparent


def need_of(work: Work, referral: Referral) -> Need:
    """The need of the referral."""
    return work.journeys[referral.returnee_id].needs[referral.need_id]


def seek(work: Work, referral: Referral) -> None:
    """Make the referral ready for the next round, unless a search for the person is running."""
    if referral.searching_since is not None:
        return
    referral.ready_at, referral.tried_supply = work.at, -1
    work.change(referral)


def rest(work: Work, referral: Referral, *, supply_count: int = NEVER_BY_ITSELF) -> None:
    """The router skips the referral until more than `supply_count` changes of supply were counted in its category."""
    referral.ready_at, referral.tried_supply = None, supply_count
    work.change(referral)


def start_routing_clock(work: Work, referral: Referral) -> None:
    """Start the deadline for an offer. If none is made in time, the lead desk becomes the owner of the need."""
    within = work.rules_of(referral).route_within[referral.urgency]
    work.start_timer(TimerKind.ROUTING_DEADLINE, referral, due_at=work.due_in(within))


def escalate(work: Work, referral: Referral, reason: OwnerReason) -> None:
    """Make the lead agency's desk the owner. No state changes. A need that has an owner keeps it."""
    next_referral(referral.status, ReferralStep.ESCALATE)
    need = need_of(work, referral)
    if need.owner is not None:
        return
    owner = work.rules_of(referral).lead_desk
    assign(work, need, owner=owner, reason=reason)
    work.record(ReferralStep.ESCALATE, referral, reason=reason.value)
    work.tell_of_referral(ReferralEscalated, referral, trace=referral.traceparent, owner=owner, reason=reason)


def escalate_silence(work: Work, need: Need) -> None:
    """The owner gave no sign of life in time: the desk above becomes the owner, and an event of the referral says
    so."""
    above = pass_on(work, need)
    referral = work.journeys[need.returnee_id].live_referral(need.need_id)
    if above is None or referral is None:
        return
    reason = OwnerReason.OWNER_SILENT
    work.record(ReferralStep.ESCALATE, referral, reason=reason.value)
    work.tell_of_referral(ReferralEscalated, referral, trace=referral.traceparent, owner=above, reason=reason)


def widen(work: Work, referral: Referral, ring: int) -> None:
    """No candidate is left nearer by. The search widens to this ring and never becomes narrower again."""
    referral.ring = ring
    work.change(referral)
    work.record(ReferralStep.WIDEN, referral, reason=f"ring_{ring}")


def assign_to_desk(work: Work, need: Need, reason: OwnerReason) -> None:
    """A desk must decide about the need for this reason: its present owner, or the lead desk if it has none."""
    assign(work, need, owner=need.owner or work.rules_of(need).lead_desk, reason=reason)


def stop_and_escalate(work: Work, referral: Referral, reason: OwnerReason) -> None:
    """Routing stops until a person has acted: the present owner of the need, or the lead desk if it has none."""
    need = need_of(work, referral)
    assign_to_desk(work, need, reason)
    work.record(ReferralStep.ESCALATE, referral, reason=reason.value)
    work.tell_of_referral(ReferralEscalated, referral, trace=referral.traceparent, owner=need.owner, reason=reason)


def look_again(work: Work, referral: Referral, *, at: datetime, supply_count: int = NEVER_BY_ITSELF) -> None:
    """Look at the referral again at this time: a service could take it, but is not asked now.

    The clock of routing or of the queue continues. A referral in the queue is looked at earlier if more than
    `supply_count` changes of supply are counted.
    """
    referral.ready_at, referral.tried_supply = at, supply_count
    work.change(referral)


def serve(work: Work, referral: Referral) -> None:
    """Take the referral out of the queue."""
    advance(work, referral, ReferralStep.SERVE)


def block(work: Work, referral: Referral, prerequisite: UUID) -> None:
    """The referral waits until another need of the person is met."""
    if referral.status is ReferralStatus.WAITLISTED:
        serve(work, referral)
    advance(work, referral, ReferralStep.BLOCK)
    referral.blocked_by = prerequisite
    rest(work, referral)
    work.stop_timers(referral)


def request_review(work: Work, referral: Referral, reason: ReviewReason) -> None:
    """A person must decide before anything is offered. Until then the desk of that person owns the need."""
    advance(work, referral, ReferralStep.REQUEST_REVIEW, reason=reason.value)
    rest(work, referral)
    work.stop_timers(referral)
    desk = work.rules_of(referral).lead_desk
    if reason is ReviewReason.AGE_UNRESOLVED:
        desk = work.policy.child_desk
    work.reviews_asked.append(ReviewAsked(work.new_id(), referral, reason.value, desk))
    work.tell_of_referral(ReferralReviewRequested, referral, trace=referral.traceparent, owner=desk)
    unsafe = reason is ReviewReason.UNSAFE
    owned_for = OwnerReason.UNSAFE if unsafe else OwnerReason.REVIEW_REQUIRED
    assign(work, need_of(work, referral), owner=desk, reason=owned_for)


def approve(work: Work, referral: Referral, *, reason: ReviewReason, note: str | None = None) -> None:
    """A person has decided that this reason does not forbid an offer. Any other reason needs a review of its own."""
    advance(work, referral, ReferralStep.APPROVE, note=note)
    referral.approved_for |= {reason.value}
    work.reviews_decided.append(ReviewDecided(referral.referral_id, ReviewStatus.APPROVED, work.actor))
    need = need_of(work, referral)
    if reason is ReviewReason.UNKNOWN_CATEGORY:
        # The need was recorded as restricted. If the pack has the category by now, the pack says whether it is.
        need.restricted = referral.restricted = work.rules_of(referral).restricted
    disown(work, need)
    seek(work, referral)
    start_routing_clock(work, referral)


def decide_age(work: Work, referral: Referral, age: AgeDecision, *, note: str | None = None) -> None:
    """A desk has decided about an age for which the referral waits.

    If the age is settled, the referral rests until the changed profile arrives. If the desk is unsure, the referral
    seeks a service that may take people of any age.
    """
    advance(work, referral, ReferralStep.APPROVE, reason=age.group.value, note=note)
    work.reviews_decided.append(ReviewDecided(referral.referral_id, ReviewStatus.APPROVED, work.actor, age))
    disown(work, need_of(work, referral))
    if age.group is AgeGroup.UNSURE:
        referral.approved_for |= {ReviewReason.AGE_UNRESOLVED.value}
        seek(work, referral)
    else:
        rest(work, referral, supply_count=UNTIL_TOLD)
    start_routing_clock(work, referral)


def settle_age(work: Work, referral: Referral) -> None:
    """A changed profile has settled the ages for which the referral waits. It seeks a service."""
    advance(work, referral, ReferralStep.APPROVE)
    work.reviews_decided.append(ReviewDecided(referral.referral_id, ReviewStatus.APPROVED, work.actor))
    disown(work, need_of(work, referral))
    seek(work, referral)
    start_routing_clock(work, referral)


def unblock(work: Work, referral: Referral) -> None:
    """The prerequisite is met, or was removed. The referral seeks a provider."""
    advance(work, referral, ReferralStep.UNBLOCK)
    referral.blocked_by = None
    need = need_of(work, referral)
    if need.owner_reason is OwnerReason.PREREQUISITE_UNMET:
        disown(work, need)
    seek(work, referral)
    work.stop_timers(referral)
    start_routing_clock(work, referral)


def offer(work: Work, referral: Referral, candidate: Candidate, *, explanation: dict[str, object]) -> Offer:
    """Offer the referral to the candidate, whose places the ledger already holds."""
    if referral.status is ReferralStatus.WAITLISTED:
        serve(work, referral)
    advance(work, referral, ReferralStep.OFFER)
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
    supply_count: int,
    look_at: datetime | None = None,
) -> None:
    """The only obstacle to an offer is a missing place. The referral joins the queue, or keeps its place there.

    `places`: the pools that it waits for, with the number of places that it needs in each. `look_at`: when a service
    that is closed now could be asked, if there is one.
    """
    if referral.status is not ReferralStatus.WAITLISTED:
        advance(work, referral, ReferralStep.WAITLIST)
        work.stop_timers(referral)
        within = work.rules_of(referral).waitlist_within[referral.urgency]
        work.start_timer(TimerKind.WAITLIST_DEADLINE, referral, due_at=work.due_in(within))
        work.tell_of_referral(ReferralWaitlisted, referral, trace=referral.traceparent)
    rest(work, referral, supply_count=supply_count)
    referral.ready_at = look_at
    work.queue(referral, services, places)


def nobody(
    work: Work, referral: Referral, *, asked_before: bool, supply_count: int, lacking: Exclusion | None = None
) -> None:
    """No service of the network may take the need now. The lead desk owns it, and the referral stays in `seeking`.

    `lacking`: the kind of service that the network does not have. A referral in the queue leaves it. A later change of
    supply, such as a new service, makes the router look at it again.
    """
    if referral.status is ReferralStatus.WAITLISTED:
        serve(work, referral)
    rest(work, referral, supply_count=supply_count)
    work.stop_timers(referral)
    spent = OwnerReason.CANDIDATES_SPENT if asked_before else OwnerReason.NO_CANDIDATE
    escalate(work, referral, spent if lacking is None else OwnerReason(lacking.value))


def wait_for_person(work: Work, referral: Referral) -> None:
    """The person could not be found. A desk searches for them before anything else is offered."""
    rest(work, referral)
    work.stop_timers(referral)
    stop_and_escalate(work, referral, OwnerReason.PERSON_NOT_FOUND)
    search_steps.begin(work, referral)


def ask_person(work: Work, referral: Referral) -> None:
    """A provider reports that the person refused. A desk asks the person before anything else is offered."""
    rest(work, referral)
    work.stop_timers(referral)
    stop_and_escalate(work, referral, OwnerReason.PERSON_REFUSED)
