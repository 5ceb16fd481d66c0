"""Whose rows a caller may see, and the policy that an action needs."""

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Request

from libs.chassis.auth import Caller
from services.referral.errors import StaffOnly
from services.referral.journeys.owners import desks
from services.referral.pack import RoutingPolicy


@dataclass(frozen=True, slots=True)
class Rights:
    """What a caller may see: rows of one organisation or of all, those of restricted categories or not."""

    organization_id: UUID | None
    """The organisation of a partner; None for staff of the network, who see all."""
    restricted: bool
    """Without it rows of restricted categories do not exist, counts included."""


EVERYTHING: Final = Rights(organization_id=None, restricted=True)
"""For rows about which it has been decided before that they may be seen."""


def rights_of(caller: Caller) -> Rights:
    """What this caller may see."""
    return Rights(caller.organization_id, "restricted:read" in caller.scopes)


def staff_rights_of(caller: Caller) -> Rights:
    """What this caller may see; refuses a caller that speaks for a provider."""
    if caller.organization_id is not None:
        raise StaffOnly
    return rights_of(caller)


def desks_of(caller: Caller, policy: RoutingPolicy) -> frozenset[str]:
    """The desks that this caller speaks for: those of its token's claim `desks`, else its client where that is one.

    Desks that the country pack doesn't know are left out.
    """
    named = caller.texts("desks")
    return frozenset((caller.client_id,) if named is None else named) & desks(policy)


async def _policy_of(request: Request) -> RoutingPolicy:
    policy: RoutingPolicy = request.app.state.policy
    return policy


Policy = Annotated[RoutingPolicy, Depends(_policy_of)]
"""The routing policy of the country pack."""
