"""On whose behalf a request touches personal data, and whom that caller may see."""

from libs.chassis.auth import Caller
from services.registration.audit.rules import Actor, Sight, known_areas, source_of_client
from services.registration.pack import Pack

PLACES_CLAIM = "reception_places"


def actor_of(caller: Caller, pack: Pack) -> Actor:
    """Who is recorded for what this caller does, and what it may see."""
    areas = known_areas(caller.texts(PLACES_CLAIM) or ())
    desks = caller.texts("desks")
    return Actor(
        who=caller.subject,
        client_id=caller.client_id,
        organization_id=caller.organization_id,
        sight=Sight(
            areas=areas,
            everywhere=pack.reception.country in areas,
            children_only=pack.routing.child_desk in ((caller.client_id,) if desks is None else desks),
            restricted="restricted:read" in caller.scopes,
            restricted_categories=pack.routing.restricted,
        ),
    )


def source_of(caller: Caller) -> str:
    """Whose references a request's `sender_reference` values are; sources of events are URIs, so none is equal."""
    return source_of_client(caller.client_id)
