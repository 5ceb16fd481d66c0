"""Whose rows a caller may see, and the policy that an action needs."""

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Request

from libs.chassis.auth import Caller
from libs.chassis.tenancy import StaffOnly, Tenant, TenantMissing
from services.referral.pack.policy import RoutingPolicy


@dataclass(frozen=True, slots=True)
class Rights:
    """What a caller may see: rows of one organisation or of all, those of restricted categories or not."""

    organization_id: UUID | None
    """The organisation of a partner; None for staff of the network, who see all."""
    restricted: bool
    """Without it rows of restricted categories do not exist, counts included."""

    @property
    def tenant(self) -> Tenant:
        """The same for the second wall, where the caller's own transaction is not at hand."""
        is_staff = self.organization_id is None
        return Tenant("", organization_id=self.organization_id, restricted=self.restricted, staff=is_staff)


EVERYTHING: Final = Rights(organization_id=None, restricted=True)
"""For rows about which it has been decided before that they may be seen."""


def rights_of(caller: Caller) -> Rights:
    """What this caller may see; refuses one that is neither of an organisation nor of the network."""
    tenant = caller.tenant
    if tenant.organization_id is None and not tenant.staff:
        raise TenantMissing
    return Rights(tenant.organization_id, tenant.restricted)


def staff_rights_of(caller: Caller) -> Rights:
    """What this caller may see; refuses a caller that isn't of the network."""
    if not caller.tenant.staff:
        raise StaffOnly
    return rights_of(caller)


def desks_of(caller: Caller, policy: RoutingPolicy) -> frozenset[str]:
    """The desks that this caller speaks for: those of its token's claim `desks`, else its client where that is one.

    Desks that the country pack doesn't know are left out, and nobody but staff speaks for one.
    """
    if not caller.tenant.staff:
        return frozenset()
    named = caller.texts("desks")
    return frozenset((caller.client_id,) if named is None else named) & policy.desks


async def _policy_of(request: Request) -> RoutingPolicy:
    policy: RoutingPolicy = request.app.state.policy
    return policy


Policy = Annotated[RoutingPolicy, Depends(_policy_of)]
"""The routing policy of the country pack."""
