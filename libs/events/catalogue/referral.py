"""What referral publishes about needs, referrals and offers; everything is keyed by the returnee."""

from typing import ClassVar
from uuid import UUID

from libs.events.catalogue.journeys import TOPIC, AtProvider, JudgedOn, OfReferral, PerhapsAtProvider, ReferralEvent
from libs.events.codes import (
    Awaited,
    CancelReason,
    CloseReason,
    Count,
    DeclineReason,
    DeskCode,
    NeedKind,
    NotDeliveredReason,
    Outcome,
    OwnerReason,
    RecallReason,
    ServiceType,
    StayPhase,
    Urgency,
)
from libs.events.detail_values import StatedFact, ToldDetails
from libs.events.event import Event
from libs.events.people_codes import AgeBasis, AgeGroup
from libs.wire.values import Moment


class NeedAssigned(ReferralEvent):
    """A named desk or role is responsible for the need now."""

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
    """A member of staff has closed the need with a reason."""

    type: ClassVar[str] = "need.closed.v1"
    reason: CloseReason | None = None
    """Why it ended; older events do not have this field."""


class NeedReopened(ReferralEvent):
    """A need that had ended was reopened."""

    type: ClassVar[str] = "need.reopened.v1"


class ReferralOpened(OfReferral):
    """A referral was opened for a need."""

    type: ClassVar[str] = "referral.opened.v1"
    urgency: Urgency
    people_count: Count
    """The number of people: those of the household, or one."""


class ReferralReviewRequested(OfReferral):
    """A policy or a protection rule requires that a person decides before an offer is made."""

    type: ClassVar[str] = "referral.review-requested.v1"
    owner: DeskCode
    """The desk that decides: a code of the country pack."""


class ReferralWaitlisted(OfReferral):
    """No place is free; the referral waits in the queue."""

    type: ClassVar[str] = "referral.waitlisted.v1"


class ReferralEscalated(OfReferral):
    """No provider answered in time, or no provider is left to ask; the lead agency's desk owns the need."""

    type: ClassVar[str] = "referral.escalated.v1"
    owner: DeskCode
    """The desk that owns the need now: a code of the country pack."""
    reason: OwnerReason


class ReferralSearchDue(OfReferral):
    """The person could not be found, and the deadline for the next search has passed."""

    type: ClassVar[str] = "referral.search-due.v1"
    owner: DeskCode
    """The desk that looks for the person: a code of the country pack."""
    missed_count: Count
    """How many attempts have failed or were missed since the search began."""


class ReferralCancelled(PerhapsAtProvider):
    """The referral has ended without its service."""

    type: ClassVar[str] = "referral.cancelled.v1"
    reason: CancelReason


class ReferralEnteredInError(PerhapsAtProvider):
    """The referral was created by mistake."""

    type: ClassVar[str] = "referral.entered-in-error.v1"


class ReferralStarted(AtProvider):
    """The service has started."""

    type: ClassVar[str] = "referral.started.v1"


class ReferralReminded(AtProvider):
    """The provider was reminded that an accepted service has not started, or that its outcome is missing."""

    type: ClassVar[str] = "referral.reminded.v1"
    awaits: Awaited
    due_by: Moment
    """When the lead agency's desk will contact the provider, by the clock of the installation."""


class ReferralCompleted(AtProvider):
    """The service is completed, with an outcome."""

    type: ClassVar[str] = "referral.completed.v1"
    outcome: Outcome
    given_kind: NeedKind | None = None
    """The kind that was given; None if the service does not name its kinds."""
    facts: list[StatedFact] = []
    """What the completion states about the kind, such as `document_issued`."""


class ReferralNotDelivered(AtProvider):
    """An accepted service was not delivered; the need is routed again."""

    type: ClassVar[str] = "referral.not-delivered.v1"
    reason: NotDeliveredReason


class StayEnding(AtProvider):
    """A stay with a maximum length will end soon, was extended, or is over while the people are still there."""

    type: ClassVar[str] = "stay.ending.v1"
    ends_at: Moment
    """When the stay must end, by the clock of the installation. The latest event is valid."""
    phase: StayPhase | None = None
    """Whether the end comes nearer, was moved, or has passed. Older events do not have this field."""


class OfferMade(AtProvider):
    """A referral was offered to a provider service; places are held while the clock runs."""

    type: ClassVar[str] = "offer.made.v1"
    urgency: Urgency
    people_count: Count
    """How many places are held."""
    service_type: ServiceType
    """A code finer than the category; decides what the packet will contain."""
    restricted: bool
    """True for a category that only callers with a special scope can see."""
    answer_by: Moment
    """When the offer expires, on the installation's clock."""
    acknowledge_by: Moment | None = None
    """Deadline for the acknowledgement, if the country pack requires one."""
    detail_values: ToldDetails = []
    """Coded details of the kind that is needed."""
    offered_kind: NeedKind | None = None
    """The kind that the service would give. If it is not `kind`, it stands in for it (pack, `instead_of`); None if the
    service does not name its kinds, or if it first finds out what is needed."""


class OfferReminded(AtProvider):
    """The provider was reminded of an unanswered offer."""

    type: ClassVar[str] = "offer.reminded.v1"
    answer_by: Moment
    """When the offer expires, on the installation's clock."""


class OfferAcknowledged(AtProvider):
    """The provider has confirmed that it has seen the offer."""

    type: ClassVar[str] = "offer.acknowledged.v1"


class OfferAccepted(AtProvider):
    """The offer is accepted and its places are taken. Registration then opens the packet."""

    type: ClassVar[str] = "offer.accepted.v1"
    service_type: ServiceType
    """A code finer than the category; decides what the packet contains."""
    people_count: Count
    """How many places are taken."""
    judged_on: JudgedOn | None = None
    """The facts on which the offer was allowed; older events do not have this field."""
    offered_kind: NeedKind | None = None
    """The kind that the service gives, as in the offer."""


class OfferUpheld(AtProvider):
    """An accepted offer was evaluated again after facts had changed, or a desk decided; it remains valid."""

    type: ClassVar[str] = "offer.upheld.v1"
    judged_on: JudgedOn
    """The facts on which it is allowed."""
    by_desk: bool
    """True if a desk decided this; only then does a halted offer continue."""


class OfferHalted(AtProvider):
    """An accepted offer is not allowed any more: nothing may start and its packet is closed until a desk decides."""

    type: ClassVar[str] = "offer.halted.v1"
    reason: RecallReason
    judged_on: JudgedOn
    """The facts on which it was halted."""


class OfferDeclined(AtProvider):
    """The provider declined, with a coded reason."""

    type: ClassVar[str] = "offer.declined.v1"
    reason: DeclineReason


class OfferExpired(AtProvider):
    """The provider did not answer in time."""

    type: ClassVar[str] = "offer.expired.v1"


class OfferRecalled(AtProvider):
    """The network has withdrawn the offer."""

    type: ClassVar[str] = "offer.recalled.v1"
    reason: RecallReason


class AgeDecided(Event):
    """A desk has decided whether a person is a child or an adult, or that it is still unsure. Registration takes the
    decision into the profile, which it then publishes."""

    type: ClassVar[str] = "age.decided.v1"
    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "returnee_id"

    returnee_id: UUID
    """The returnee: the person of the need, or a member of the household."""
    age_group: AgeGroup
    basis: AgeBasis
    desk: DeskCode
    """The desk that decided: a code of the country pack, never a person's name."""
    at: Moment
    """When it was decided, by the clock of the installation. The latest decision counts."""


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
    AgeDecided,
)
