"""On whose behalf a request touches personal data, and whom that caller may see."""

from libs.chassis.auth import Caller
from services.registration.audit.rules import Actor, Sight, known_areas, source_of_client
from services.registration.pack import Pack


def actor_of(caller: Caller, pack: Pack) -> Actor:
    """Who is recorded for what this caller does, and what it may see."""
    tenant = caller.tenant
    areas = known_areas(tenant.reception_places)
    named = caller.texts("desks")
    desks = (caller.client_id,) if named is None else named
    return Actor(
        who=caller.subject,
        client_id=caller.client_id,
        organization_id=tenant.organization_id,
        sight=Sight(
            areas=areas,
            everywhere=pack.reception.country in areas,
            children_only=tenant.staff and pack.routing.child_desk in desks,
            restricted=tenant.restricted,
            restricted_categories=pack.routing.restricted,
        ),
    )


def source_of(caller: Caller) -> str:
    """Whose references a request's `sender_reference` values are; sources of events are URIs, so none is equal."""
    return source_of_client(caller.client_id)
