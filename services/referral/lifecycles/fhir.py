"""The mapping from our lifecycles to FHIR R4, in this direction only (DESIGN 4).

A referral is a ServiceRequest, which belongs to the side that asks. An offer and the service after it are one Task,
which shows the progress of the side that was asked; our own state goes into its `businessStatus`. A need is not a
resource of its own: it is the reason for the request. The statuses are those of FHIR R4. A Task uses those of the
SDOH Clinical Care guide, without `received` and `ready`. `tests/contract/fhir` compares both with rows of that guide.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from services.referral.lifecycles.rules import OfferStatus, ReferralStatus


class RequestStatus(StrEnum):
    """The values of FHIR's RequestStatus that a referral can have."""

    ACTIVE = "active"
    ON_HOLD = "on-hold"
    REVOKED = "revoked"
    COMPLETED = "completed"
    ENTERED_IN_ERROR = "entered-in-error"


class TaskStatus(StrEnum):
    """The values of FHIR's TaskStatus that an offer and the service after it can have."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    IN_PROGRESS = "in-progress"
    FAILED = "failed"
    COMPLETED = "completed"
    ENTERED_IN_ERROR = "entered-in-error"


class Task(NamedTuple):
    """The status fields of the Task of an offer."""

    status: TaskStatus
    business_status: str
    """Our own state: that of the offer until it is accepted, then that of the referral."""
    wants_reason: bool
    """True if `statusReason` should contain the coded reason of the offer or referral."""
    wants_output: bool
    """True if `output` must contain an outcome (requirement refer-9)."""


REQUEST: Final[dict[ReferralStatus, RequestStatus]] = {
    # No provider is asked while a review is pending or a prerequisite is not met.
    ReferralStatus.AWAITING_REVIEW: RequestStatus.ON_HOLD,
    ReferralStatus.BLOCKED: RequestStatus.ON_HOLD,
    ReferralStatus.SEEKING: RequestStatus.ACTIVE,
    ReferralStatus.WAITLISTED: RequestStatus.ACTIVE,
    ReferralStatus.OFFERED: RequestStatus.ACTIVE,
    ReferralStatus.ACCEPTED: RequestStatus.ACTIVE,
    ReferralStatus.IN_SERVICE: RequestStatus.ACTIVE,
    ReferralStatus.COMPLETED: RequestStatus.COMPLETED,
    ReferralStatus.CANCELLED: RequestStatus.REVOKED,
    # Its need continues with another referral, so this one requests nothing more.
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
    """The Task of an offer. Raises KeyError for a combination of states that an offer and its referral cannot have."""
    accepted = offer is OfferStatus.ACCEPTED
    status = SERVED[referral] if accepted else ASKED[offer]
    own = referral.value if accepted else offer.value
    return Task(status, own, status in _WANTS_REASON, status is TaskStatus.COMPLETED)
