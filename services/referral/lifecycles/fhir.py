"""How our lifecycles read in FHIR R4: one way, for those who want to follow a referral there (DESIGN 4).

A referral is a ServiceRequest, which belongs to who asks. An offer and the service after it are one Task, which says
how far who was asked has come; the state by our own word goes into its `businessStatus`. A need is no resource of its
own: it is what the request is made for. Statuses are those of FHIR R4; of a Task those of the SDOH Clinical Care guide,
without `received` and `ready`. `tests/contract/fhir` holds both to rows of that guide.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from services.referral.lifecycles.rules import OfferStatus, ReferralStatus


class RequestStatus(StrEnum):
    """What of FHIR's RequestStatus a referral may read as."""

    ACTIVE = "active"
    ON_HOLD = "on-hold"
    REVOKED = "revoked"
    COMPLETED = "completed"
    ENTERED_IN_ERROR = "entered-in-error"


class TaskStatus(StrEnum):
    """What of FHIR's TaskStatus an offer and the service after it may read as."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    IN_PROGRESS = "in-progress"
    FAILED = "failed"
    COMPLETED = "completed"
    ENTERED_IN_ERROR = "entered-in-error"


class Task(NamedTuple):
    """What a Task says of where an offer stands."""

    status: TaskStatus
    business_status: str
    """Our own state: the offer's up to its acceptance, the referral's after it."""
    wants_reason: bool
    """True where `statusReason` should be given: the coded reason of the offer or referral."""
    wants_output: bool
    """True where `output` shall hold an outcome (requirement refer-9)."""


REQUEST: Final[dict[ReferralStatus, RequestStatus]] = {
    # Nothing is asked of anybody while a person decides or another need comes first.
    ReferralStatus.AWAITING_REVIEW: RequestStatus.ON_HOLD,
    ReferralStatus.BLOCKED: RequestStatus.ON_HOLD,
    ReferralStatus.SEEKING: RequestStatus.ACTIVE,
    ReferralStatus.WAITLISTED: RequestStatus.ACTIVE,
    ReferralStatus.OFFERED: RequestStatus.ACTIVE,
    ReferralStatus.ACCEPTED: RequestStatus.ACTIVE,
    ReferralStatus.IN_SERVICE: RequestStatus.ACTIVE,
    ReferralStatus.COMPLETED: RequestStatus.COMPLETED,
    ReferralStatus.CANCELLED: RequestStatus.REVOKED,
    # Its need goes on with a referral of its own, so this one asks for nothing more.
    ReferralStatus.NOT_DELIVERED: RequestStatus.REVOKED,
    ReferralStatus.ENTERED_IN_ERROR: RequestStatus.ENTERED_IN_ERROR,
}
"""`ServiceRequest.status` of a referral."""

ASKED: Final[dict[OfferStatus, TaskStatus]] = {
    OfferStatus.PENDING: TaskStatus.REQUESTED,
    OfferStatus.ACKNOWLEDGED: TaskStatus.REQUESTED,
    OfferStatus.DECLINED: TaskStatus.REJECTED,
    OfferStatus.EXPIRED: TaskStatus.CANCELLED,
    OfferStatus.RECALLED: TaskStatus.CANCELLED,
}
"""`Task.status` of an offer that has not been accepted."""

SERVED: Final[dict[ReferralStatus, TaskStatus]] = {
    ReferralStatus.ACCEPTED: TaskStatus.ACCEPTED,
    ReferralStatus.IN_SERVICE: TaskStatus.IN_PROGRESS,
    ReferralStatus.COMPLETED: TaskStatus.COMPLETED,
    ReferralStatus.NOT_DELIVERED: TaskStatus.FAILED,
    ReferralStatus.CANCELLED: TaskStatus.CANCELLED,
    ReferralStatus.ENTERED_IN_ERROR: TaskStatus.ENTERED_IN_ERROR,
}
"""`Task.status` of an accepted offer, by the state of its referral."""

_WANTS_REASON = {TaskStatus.REJECTED, TaskStatus.CANCELLED, TaskStatus.FAILED}


def task_of(offer: OfferStatus, referral: ReferralStatus) -> Task:
    """What the Task of an offer says; raises KeyError for states that no offer and its referral are in together."""
    accepted = offer is OfferStatus.ACCEPTED
    status = SERVED[referral] if accepted else ASKED[offer]
    own = referral.value if accepted else offer.value
    return Task(status, own, status in _WANTS_REASON, status is TaskStatus.COMPLETED)
