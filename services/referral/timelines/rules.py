"""The role of the actor of a step, and which steps of a referral its provider sees after acceptance. Pure."""

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
"""The steps of a referral that its provider sees after acceptance. All others are internal to the network."""


class Role(StrEnum):
    """The role of an actor."""

    NETWORK = "network"
    """The router, a clock, the watcher, a service that accepts automatically, or registration."""
    PROVIDER = "provider"
    DESK = "desk"
    PERSON = "person"
    """A person at a desk or at the provider, with their own token subject."""


def role_of(step: str, actor: str, *, desks: Collection[str]) -> Role:
    """The role of the actor of this recorded step."""
    if actor in NETWORK:
        return Role.NETWORK
    if step in ANSWERS:
        return Role.PROVIDER
    return Role.DESK if actor in desks else Role.PERSON
