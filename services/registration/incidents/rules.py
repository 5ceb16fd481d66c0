"""Kinds of incidents, what can be done about them, the duties with a time, and what a search must name (pure)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from libs.chassis.errors import FieldError
from services.registration.protection import Duty


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


class NotRequired(StrEnum):
    """Why a duty does not exist in this case. Codes only."""

    NO_RISK_TO_PEOPLE = "no_risk_to_people"
    NOBODY_AFFECTED = "nobody_affected"
    LAW_DOES_NOT_REQUIRE = "law_does_not_require"
    DANGER_TO_PEOPLE = "danger_to_people"
    """The notice itself would endanger them."""
    NO_SAFE_CONTACT = "no_safe_contact"
    ORDERED_BY_COURT = "ordered_by_court"


_ABOUT_PEOPLE = frozenset({NotRequired.DANGER_TO_PEOPLE, NotRequired.NO_SAFE_CONTACT})
"""Reasons why people are not told. They are no reason to leave out the authority."""


class DutyStage(StrEnum):
    """How far the time of a duty has run. Each stage has one warning."""

    HALF_TIME = "half_time"
    OVERDUE = "overdue"


def stage_of(known_at: datetime, within: timedelta, *, at: datetime) -> DutyStage | None:
    """The stage of a duty that is not settled; None in the first half of its time."""
    if at >= known_at + within:
        return DutyStage.OVERDUE
    return DutyStage.HALF_TIME if at >= known_at + within / 2 else None


def not_required_faults(
    reasons: Sequence[tuple[Duty, NotRequired]], *, measures: Collection[Measure]
) -> list[FieldError]:
    """What is wrong with the reasons why duties do not exist: told twice, done all the same, or of another duty."""
    faults, seen = [], set[Duty]()
    for place, (duty, reason) in enumerate(reasons):
        pointer = f"/not_required/{place}"
        if duty in seen:
            faults.append(FieldError(f"{pointer}/duty", "once", "There is already a reason for this duty."))
        if Measure(duty.value) in measures:
            faults.append(FieldError(f"{pointer}/duty", "contradiction", "This measure is recorded as done."))
        if duty is Duty.AUTHORITY_TOLD and reason in _ABOUT_PEOPLE:
            faults.append(FieldError(f"{pointer}/reason", "reason-of-duty", "This is no reason for this duty."))
        seen.add(duty)
    return faults


def open_duties(
    timed: Collection[Duty], *, measures: Collection[Measure], reasons: Mapping[Duty, NotRequired]
) -> list[Duty]:
    """The duties with a time that are neither done nor have a reason. An incident with such a duty stays open."""
    return [duty for duty in timed if Measure(duty.value) not in measures and duty not in reasons]


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
