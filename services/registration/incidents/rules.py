"""Kinds of incidents, what can be done about them, and what a search for affected people must name (pure)."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from libs.chassis.errors import FieldError


class IncidentKind(StrEnum):
    """What happened."""

    STOLEN_ACCESS = "stolen_access"
    """Somebody used the token, the key or the password of another one."""
    LOST_DEVICE = "lost_device"
    UNLAWFUL_ACCESS = "unlawful_access"
    """Somebody looked at people without a reason."""
    WRONG_RECIPIENT = "wrong_recipient"
    STOLEN_DATA = "stolen_data"
    LOST_DATA = "lost_data"
    OTHER = "other"


class IncidentStatus(StrEnum):
    """Whether something is still to be done."""

    OPEN = "open"
    CLOSED = "closed"


class Measure(StrEnum):
    """What was done. Codes only: words could name a person."""

    ACCESS_REVOKED = "access_revoked"
    ORGANIZATION_SUSPENDED = "organization_suspended"
    KEYS_ROTATED = "keys_rotated"
    DEVICE_WIPED = "device_wiped"
    DELETION_DEMANDED = "deletion_demanded"
    PEOPLE_TOLD = "people_told"
    AUTHORITY_TOLD = "authority_told"
    STAFF_TRAINED = "staff_trained"
    RULES_CHANGED = "rules_changed"
    NO_ACTION_NEEDED = "no_action_needed"


def times_faults(
    began_at: datetime, ended_at: datetime | None, known_at: datetime, *, at: datetime
) -> list[FieldError]:
    """What is wrong with the times of an incident."""
    faults = [
        FieldError(f"/{name}", "not-in-future", "This time is in the future.")
        for name, moment in (("began_at", began_at), ("ended_at", ended_at), ("known_at", known_at))
        if moment is not None and moment > at
    ]
    if ended_at is not None and ended_at < began_at:
        faults.append(FieldError("/ended_at", "order", "The end is before the beginning."))
    if known_at < began_at:
        faults.append(FieldError("/known_at", "order", "An incident is known after its beginning."))
    return faults


def search_faults(
    client_id: str | None, who: str | None, organization_id: UUID | None, *, since: datetime, until: datetime
) -> list[FieldError]:
    """What is wrong with a search for affected people."""
    faults = []
    if client_id is None and who is None and organization_id is None:
        faults.append(FieldError("/client_id", "one-of", "Name a client, a person who signed in, or an organisation."))
    if until <= since:
        faults.append(FieldError("/until", "order", "The end must be after the beginning."))
    return faults
