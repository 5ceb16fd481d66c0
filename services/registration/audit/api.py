"""On whose behalf a request touches personal data."""

from libs.chassis.auth import Caller
from services.registration.audit.rules import Actor


def actor_of(caller: Caller) -> Actor:
    """Who is recorded for what this caller does."""
    return Actor(who=caller.subject, client_id=caller.client_id, organization_id=caller.organization_id)


def source_of(caller: Caller) -> str:
    """Whose references a request's `sender_reference` values are; sources of events are URIs, so none is equal."""
    return f"client:{caller.client_id}"
