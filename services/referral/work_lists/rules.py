"""Which needs are on which list. Pure."""

from enum import StrEnum
from typing import Final

from libs.events.codes import OwnerReason
from services.referral.lifecycles.rules import ReferralStatus

OVERDUE: Final[frozenset[str]] = frozenset(one.value for one in OwnerReason if one.value.endswith("_overdue")) | {
    "owner_silent"
}
"""The reasons of an owner that mean that something did not happen in time."""
NOT_ESCALATED: Final[frozenset[str]] = frozenset({OwnerReason.BY_HAND.value, OwnerReason.REVIEW_REQUIRED.value})
"""The reasons of an owner that are a person's choice or part of normal routing. All others are escalations."""


class Party(StrEnum):
    """The party that a need waits for."""

    PROVIDER = "provider"
    """A provider must answer an offer, start the service, or report its outcome."""
    DESK = "desk"
    """A desk must decide a review."""
    PREREQUISITE = "prerequisite"
    """Another need of the returnee must be met first."""
    ROUTER = "router"
    """The router must find a service."""
    WAITLIST = "waitlist"
    """A place must become free."""


WAITS_IN: Final[dict[Party, tuple[ReferralStatus, ...]]] = {
    Party.PROVIDER: (ReferralStatus.OFFERED, ReferralStatus.ACCEPTED, ReferralStatus.IN_SERVICE),
    Party.DESK: (ReferralStatus.AWAITING_REVIEW,),
    Party.PREREQUISITE: (ReferralStatus.BLOCKED,),
    Party.ROUTER: (ReferralStatus.SEEKING,),
    Party.WAITLIST: (ReferralStatus.WAITLISTED,),
}
"""The states of a live referral in which it waits for each party."""


def party_of(status: ReferralStatus) -> Party | None:
    """The party that a referral in this state waits for. None if it has ended."""
    return next((party for party, states in WAITS_IN.items() if status in states), None)
