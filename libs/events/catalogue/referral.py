"""What referral publishes about needs, referrals and offers; everything is keyed by the returnee."""

from typing import ClassVar

from libs.events.catalogue.journeys import AtProvider, JudgedOn, OfReferral, PerhapsAtProvider, ReferralEvent
from libs.events.codes import (
    Awaited,
    CancelReason,
    CloseReason,
    Count,
    DeclineReason,
    DeskCode,
    NotDeliveredReason,
    Outcome,
    OwnerReason,
    RecallReason,
    ServiceType,
    StayPhase,
    Urgency,
)
from libs.events.event import Event
from libs.wire.values import Moment


class NeedAssigned(ReferralEvent):
    """A named person or desk answers for the need now."""

    type: ClassVar[str] = "need.assigned.v1"
    owner: DeskCode
    """The desk or role that owns it: a code of the country pack, never a person's name."""
    reason: OwnerReason


class NeedMet(ReferralEvent):
    """The need is met."""

    type: ClassVar[str] = "need.met.v1"


class NeedRefused(ReferralEvent):
    """The returnee does not want help with this need."""

    type: ClassVar[str] = "need.refused.v1"


class NeedClosed(ReferralEvent):
    """A named person has closed the need with a reason."""

    type: ClassVar[str] = "need.closed.v1"
    reason: CloseReason | None = None
    """Why it ended; events from before this was told have none."""


class NeedReopened(ReferralEvent):
    """A need that had ended is open again."""

    type: ClassVar[str] = "need.reopened.v1"


class ReferralOpened(OfReferral):
    """A need is on its way to a provider service."""

    type: ClassVar[str] = "referral.opened.v1"
    urgency: Urgency
    people_count: Count
    """For how many people: the household of the need, or one."""


class ReferralReviewRequested(OfReferral):
    """Policy or protection says that a person decides before anything is offered."""

    type: ClassVar[str] = "referral.review-requested.v1"
    owner: DeskCode
    """The desk that decides: a code of the country pack."""


class ReferralWaitlisted(OfReferral):
    """No place is free; the referral keeps its place in the queue."""

    type: ClassVar[str] = "referral.waitlisted.v1"


class ReferralEscalated(OfReferral):
    """Nobody answered in time or nobody is left to ask; the lead agency's desk owns the need."""

    type: ClassVar[str] = "referral.escalated.v1"
    owner: DeskCode
    """The desk that owns the need now: a code of the country pack."""
    reason: OwnerReason


class ReferralSearchDue(OfReferral):
    """The person could not be found, and it is time to look for them again."""

    type: ClassVar[str] = "referral.search-due.v1"
    owner: DeskCode
    """The desk that looks for the person: a code of the country pack."""
    missed_count: Count
    """How many times nobody was found or nobody looked since the search began."""


class ReferralCancelled(PerhapsAtProvider):
    """The referral has ended without its service."""

    type: ClassVar[str] = "referral.cancelled.v1"
    reason: CancelReason


class ReferralEnteredInError(PerhapsAtProvider):
    """The referral should never have been."""

    type: ClassVar[str] = "referral.entered-in-error.v1"


class ReferralStarted(AtProvider):
    """The service has begun."""

    type: ClassVar[str] = "referral.started.v1"


class ReferralReminded(AtProvider):
    """The provider has been reminded that an accepted service has not begun, or that its outcome is not known yet."""

    type: ClassVar[str] = "referral.reminded.v1"
    awaits: Awaited
    due_by: Moment
    """When the lead agency's desk asks, on the installation's clock."""


class ReferralCompleted(AtProvider):
    """The service is done, with an outcome."""

    type: ClassVar[str] = "referral.completed.v1"
    outcome: Outcome


class ReferralNotDelivered(AtProvider):
    """An accepted service did not happen; the need's routing starts again."""

    type: ClassVar[str] = "referral.not-delivered.v1"
    reason: NotDeliveredReason


class StayEnding(AtProvider):
    """A stay with a maximum length nears its end, has been lengthened, or has run out with the people still there."""

    type: ClassVar[str] = "stay.ending.v1"
    ends_at: Moment
    """When the stay must end, on the installation's clock. The latest event holds."""
    phase: StayPhase | None = None
    """Why this is told: the end comes nearer, was moved, or has passed. Absent from what was sent before it existed."""


class OfferMade(AtProvider):
    """A referral is put to a provider service; places are held while the clock runs."""

    type: ClassVar[str] = "offer.made.v1"
    urgency: Urgency
    people_count: Count
    """How many places are held."""
    service_type: ServiceType
    """A code finer than the category; decides what a packet will hold."""
    restricted: bool
    """True for a category that exists only for holders of a scope of their own."""
    answer_by: Moment
    """When the offer expires, on the installation's clock."""
    acknowledge_by: Moment | None = None
    """Until when the provider says that it has seen the offer, where the country pack waits for that."""


class OfferReminded(AtProvider):
    """The provider has been reminded of an unanswered offer."""

    type: ClassVar[str] = "offer.reminded.v1"
    answer_by: Moment
    """When the offer expires, on the installation's clock."""


class OfferAcknowledged(AtProvider):
    """The provider has seen the offer."""

    type: ClassVar[str] = "offer.acknowledged.v1"


class OfferAccepted(AtProvider):
    """The provider says yes; its places are taken. Opens the packet at registration."""

    type: ClassVar[str] = "offer.accepted.v1"
    service_type: ServiceType
    """A code finer than the category; decides what the packet holds."""
    people_count: Count
    """How many places are taken."""
    judged_on: JudgedOn | None = None
    """The facts on which it was let stand; absent from what was sent before it existed."""


class OfferUpheld(AtProvider):
    """An accepted offer was judged again, because facts had changed or a desk has decided, and still stands."""

    type: ClassVar[str] = "offer.upheld.v1"
    judged_on: JudgedOn
    """The facts on which it stands."""
    by_desk: bool
    """True if a desk has decided it: only that opens what was halted."""


class OfferHalted(AtProvider):
    """An accepted offer may not go on as things stand: nothing begins, its packet is closed, until a desk decides."""

    type: ClassVar[str] = "offer.halted.v1"
    reason: RecallReason
    judged_on: JudgedOn
    """The facts on which it was halted."""


class OfferDeclined(AtProvider):
    """The provider says no, with a coded reason."""

    type: ClassVar[str] = "offer.declined.v1"
    reason: DeclineReason


class OfferExpired(AtProvider):
    """Nobody answered in time."""

    type: ClassVar[str] = "offer.expired.v1"


class OfferRecalled(AtProvider):
    """The network has taken the offer back."""

    type: ClassVar[str] = "offer.recalled.v1"
    reason: RecallReason


EVENTS: tuple[type[Event], ...] = (
    NeedAssigned,
    NeedMet,
    NeedRefused,
    NeedClosed,
    NeedReopened,
    ReferralOpened,
    ReferralReviewRequested,
    ReferralWaitlisted,
    ReferralEscalated,
    ReferralSearchDue,
    ReferralCancelled,
    ReferralEnteredInError,
    ReferralStarted,
    ReferralReminded,
    ReferralCompleted,
    ReferralNotDelivered,
    StayEnding,
    OfferMade,
    OfferReminded,
    OfferAcknowledged,
    OfferAccepted,
    OfferUpheld,
    OfferHalted,
    OfferDeclined,
    OfferExpired,
    OfferRecalled,
)
