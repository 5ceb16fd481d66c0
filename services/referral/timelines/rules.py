"""Who took a step, told as a role; and which steps of a referral concern the provider that took it. Pure."""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

NETWORK_ACTORS: Final[frozenset[str]] = frozenset({"router", "clock", "auto", "registration"})
"""Actors of the record that are no person: see `StepRow.actor`."""
ANSWERS: Final[frozenset[str]] = frozenset({"offer.acknowledge", "offer.accept", "offer.decline"})
"""Steps that only providers take."""
OF_THE_SERVICE: Final[tuple[str, ...]] = (
    "referral.remind",
    "referral.start",
    "referral.complete",
    "referral.report_not_delivered",
    "referral.cancel",
    "referral.enter_in_error",
)
"""Steps of a referral that the provider which accepted it sees. Any other is the network's own affair."""


class Role(StrEnum):
    """In what role somebody took a step."""

    NETWORK = "network"
    """The router, a clock, or registration."""
    PROVIDER = "provider"
    DESK = "desk"
    PERSON = "person"
    """Somebody who works at a desk or at the provider, under a name of their own."""


def role_of(step: str, actor: str, *, desks: Collection[str]) -> Role:
    """The role of the actor of this step of the record."""
    if actor in NETWORK_ACTORS:
        return Role.NETWORK
    if step in ANSWERS:
        return Role.PROVIDER
    return Role.DESK if actor in desks else Role.PERSON
