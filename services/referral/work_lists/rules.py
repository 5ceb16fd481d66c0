"""Which needs belong on which list. Pure."""

from enum import StrEnum
from typing import Final

from libs.events.codes import OwnerReason
from services.referral.lifecycles.rules import ReferralStatus

OVERDUE: Final[frozenset[str]] = frozenset(one.value for one in OwnerReason if one.value.endswith("_overdue")) | {
    "owner_silent"
}
"""Reasons of an owner that say: something did not happen in time."""
NOT_ESCALATED: Final[frozenset[str]] = frozenset({OwnerReason.BY_HAND.value, OwnerReason.REVIEW_REQUIRED.value})
"""Reasons of an owner that are a person's choice or the ordinary way; any other came because the way was shut."""


class Party(StrEnum):
    """On whom a need waits."""

    PROVIDER = "provider"
    """To answer an offer, to begin, or to report."""
    DESK = "desk"
    """To decide a review."""
    PREREQUISITE = "prerequisite"
    """Another need of the returnee comes first."""
    ROUTER = "router"
    """To find a service."""
    WAITLIST = "waitlist"
    """For a place."""


WAITS_IN: Final[dict[Party, tuple[ReferralStatus, ...]]] = {
    Party.PROVIDER: (ReferralStatus.OFFERED, ReferralStatus.ACCEPTED, ReferralStatus.IN_SERVICE),
    Party.DESK: (ReferralStatus.AWAITING_REVIEW,),
    Party.PREREQUISITE: (ReferralStatus.BLOCKED,),
    Party.ROUTER: (ReferralStatus.SEEKING,),
    Party.WAITLIST: (ReferralStatus.WAITLISTED,),
}
"""The states of a live referral in which it waits on each."""


def party_of(status: ReferralStatus) -> Party | None:
    """On whom a referral in this state waits; None where it has ended."""
    return next((party for party, states in WAITS_IN.items() if status in states), None)
