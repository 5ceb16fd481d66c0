"""Who took a step, told as a role; and which steps of a referral concern the provider that took it. Pure."""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from services.referral.lifecycles.printed import NETWORK
from services.referral.lifecycles.rules import OfferStep, ReferralStep, recorded

ANSWERS: Final = frozenset(map(recorded, (OfferStep.ACKNOWLEDGE, OfferStep.ACCEPT, OfferStep.DECLINE)))
"""Steps that only providers take."""
OF_THE_SERVICE: Final = tuple(
    map(
        recorded,
        (
            ReferralStep.REMIND,
            ReferralStep.START,
            ReferralStep.COMPLETE,
            ReferralStep.REPORT_NOT_DELIVERED,
            ReferralStep.CANCEL,
            ReferralStep.ENTER_IN_ERROR,
        ),
    )
)
"""Steps of a referral that the provider which accepted it sees. Any other is the network's own affair."""


class Role(StrEnum):
    """In what role somebody took a step."""

    NETWORK = "network"
    """The router, a clock, the watcher, a service that accepts by itself, or registration."""
    PROVIDER = "provider"
    DESK = "desk"
    PERSON = "person"
    """Somebody who works at a desk or at the provider, under a name of their own."""


def role_of(step: str, actor: str, *, desks: Collection[str]) -> Role:
    """The role of the actor of this step of the record."""
    if actor in NETWORK:
        return Role.NETWORK
    if step in ANSWERS:
        return Role.PROVIDER
    return Role.DESK if actor in desks else Role.PERSON
