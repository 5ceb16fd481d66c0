"""The lists of incidents, and what the forms about an incident send (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

OPEN: Final = "open"
LATE: Final = "late"
CLOSED: Final = "closed"
LISTS: Final[Mapping[str, Mapping[str, str]]] = {
    OPEN: {"status": "open"},
    LATE: {"overdue": "true"},
    CLOSED: {"status": "closed"},
}
"""What is asked of registration for each list, the first one shown first."""
READS: Final = ("incidents:read",)
WRITES: Final = (*READS, "incidents:write")
_NOT_REQUIRED: Final = "not_required_"


class Typed(Protocol):
    """The fields of a sent form."""

    def text(self, name: str) -> str:
        """A field without blanks around it."""

    def all(self, name: str) -> list[str]:
        """All values of a field."""

    def moment(self, name: str) -> str:
        """A time with its zone."""


def field_of(duty: str) -> str:
    """The name of the field with the reason why a duty does not exist."""
    return f"{_NOT_REQUIRED}{duty}"


def body_of(typed: Typed) -> dict[str, Any]:
    """The incident that the form tells. What is empty is left out, so that the service names what is missing."""
    told = {
        **{name: typed.text(name) for name in ("kind", "client_id", "who", "organization_id")},
        **{name: typed.moment(name) for name in ("began_at", "ended_at", "known_at")},
        "measures": typed.all("measures"),
    }
    return {name: value for name, value in told.items() if value}


def reasons_of(typed: Typed, duties: Sequence[str]) -> list[dict[str, str]]:
    """The duties for which the form has a reason why they do not exist, in the order of `duties`."""
    told = [(duty, typed.text(field_of(duty))) for duty in duties]
    return [{"duty": duty, "reason": reason} for duty, reason in told if reason]


def pointers_of(reasons: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The field of the form for each part of what `reasons_of` has sent."""
    numbered = {f"/not_required/{place}": field_of(one["duty"]) for place, one in enumerate(reasons)}
    return {"/measures": "measures", **numbered}


def search_of(incident: Mapping[str, Any], *, now: str) -> dict[str, Any]:
    """The search for those whose data were concerned: by whom, and in the time of the incident.

    The end of an incident that has not ended is now.
    """
    by = {name: incident[name] for name in ("client_id", "who", "organization_id") if incident[name]}
    return {**by, "since": incident["began_at"], "until": incident["ended_at"] or now}


def names_somebody(incident: Mapping[str, Any]) -> bool:
    """Whether the incident says by whom, so that those who are concerned can be found."""
    return bool(incident["client_id"] or incident["who"] or incident["organization_id"])


def first_due(incident: Mapping[str, Any]) -> str | None:
    """The time of the duty that must be settled first; None if there is none."""
    due = [one["due_at"] for one in incident["duties"] if one["due_at"] and not one["settled_at"]]
    return min(due, default=None)
