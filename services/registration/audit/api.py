"""For whom a request uses personal data, and which people this caller may see."""

from libs.chassis.auth import Caller
from libs.chassis.principals import acting_as
from libs.chassis.walls import array_text
from services.registration import walls
from services.registration.audit.rules import (
    CHILD_AUTHORITY_SCOPE,
    EMERGENCY_SCOPE,
    EXPORTS_SCOPE,
    Actor,
    Sight,
    known_areas,
)
from services.registration.pack import Pack


def actor_of(caller: Caller, pack: Pack) -> Actor:
    """The actor that is recorded for this caller, and what it may see."""
    tenant = caller.tenant
    areas = known_areas(tenant.reception_places)
    named = caller.texts("desks")
    # A person has the desks of its claim alone: the client is shared.
    own = () if caller.person else (caller.client_id,)
    desks = own if named is None else named
    required = pack.routing.certificates
    opened = {category for category, kind in required.items() if tenant.restricted and kind in caller.certified}
    decides_for_children = pack.routing.child_desk in desks or CHILD_AUTHORITY_SCOPE in caller.scopes
    return Actor(
        who=caller.subject,
        client_id=caller.client_id,
        organization_id=tenant.organization_id,
        sight=Sight(
            areas=areas,
            everywhere=pack.reception.country in areas,
            children_only=tenant.staff and decides_for_children,
            restricted=tenant.restricted and opened >= pack.routing.restricted,
            restricted_categories=pack.routing.restricted,
            opened_categories=frozenset(opened),
            own_packets=tenant.restricted and tenant.organization_id is not None,
        ),
        person=caller.person,
        acting_as=acting_as(caller.texts("roles") or (), named or ()),
    )


def said_of(caller: Caller, *, pack: Pack) -> dict[str, str]:
    """The claims of the caller that row-level security needs in the transaction of a request (`walls`)."""
    actor = actor_of(caller, pack)
    sight = actor.sight
    return {
        walls.AREAS: array_text(tuple(f"{area}%" for area in sight.areas)),
        walls.EVERYWHERE: "true" if sight.everywhere else "false",
        walls.CHILDREN_ONLY: "true" if sight.children_only else "false",
        walls.SOURCE: actor.source,
        walls.PRINCIPAL: actor.principal,
        walls.EMERGENCIES: "true" if caller.tenant.staff and EMERGENCY_SCOPE in caller.scopes else "false",
        walls.EXPORTS: "true" if caller.tenant.staff and EXPORTS_SCOPE in caller.scopes else "false",
        walls.RESTRICTED: "true" if sight.restricted or sight.opened_categories else "false",
        walls.HIDDEN: array_text(tuple(sorted(actor.hidden_packets))),
    }
