"""Which rows a caller may see, and the routing policy as a dependency of routes."""

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Request

from libs.chassis.auth import Caller
from libs.chassis.tenancy import StaffOnly, Tenant, TenantMissing
from libs.chassis.walls import SHOWS_RESTRICTED
from services.referral.pack.policy import RoutingPolicy


@dataclass(frozen=True, slots=True)
class Rights:
    """What a caller may see: rows of one organisation or of all, with or without rows of restricted categories."""

    organization_id: UUID | None
    """The organisation of a partner. None for staff of the network, who see the rows of all organisations."""
    restricted: bool
    """If False, rows of restricted categories do not exist for the caller, also not in counts."""

    @property
    def tenant(self) -> Tenant:
        """The same rights for row-level security, for use outside the caller's own transaction."""
        is_staff = self.organization_id is None
        return Tenant("", organization_id=self.organization_id, restricted=self.restricted, staff=is_staff)


EVERYTHING: Final = Rights(organization_id=None, restricted=True)
"""For rows that the caller may see according to an earlier check."""


def sees_restricted(caller: Caller) -> bool:
    """Whether rows of restricted categories exist for this caller: for an organisation with `restricted:read` those of
    its own offers, for everybody else only with certificates (`certificates.api`)."""
    tenant = caller.tenant
    return tenant.restricted and (tenant.organization_id is not None or bool(caller.certified))


def said_of(caller: Caller) -> dict[str, str]:
    """What row-level security is told of the caller, instead of the scope alone."""
    return {SHOWS_RESTRICTED: "true" if sees_restricted(caller) else "false"}


def rights_of(caller: Caller) -> Rights:
    """What this caller may see. Refuses a caller that belongs neither to an organisation nor to the network."""
    tenant = caller.tenant
    if tenant.organization_id is None and not tenant.staff:
        raise TenantMissing
    return Rights(tenant.organization_id, sees_restricted(caller))


def staff_rights_of(caller: Caller) -> Rights:
    """What this caller may see. Refuses a caller that is not staff of the network."""
    if not caller.tenant.staff:
        raise StaffOnly
    return rights_of(caller)


def desks_of(caller: Caller, policy: RoutingPolicy) -> frozenset[str]:
    """The desks of this caller: those in the claim `desks` of its token, otherwise its client id if that is a desk.

    Desks that are not in the country pack are left out. Only staff can have desks. A person has no desk without the
    claim, because other people use the same client.
    """
    if not caller.tenant.staff:
        return frozenset()
    named = caller.texts("desks")
    own = () if caller.person else (caller.client_id,)
    return frozenset(own if named is None else named) & policy.desks


async def _policy_of(request: Request) -> RoutingPolicy:
    policy: RoutingPolicy = request.app.state.policy
    return policy


Policy = Annotated[RoutingPolicy, Depends(_policy_of)]
"""The routing policy of the country pack."""
