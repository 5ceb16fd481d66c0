"""What the forms of an export offer, and what they send (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, Protocol

DEIDENTIFIED: Final = "deidentified"
IDENTIFIED: Final = "identified"
WAITING: Final = "waiting"
OPEN: Final = "open"
PURPOSES: Final[Mapping[str, Sequence[str]]] = {
    DEIDENTIFIED: ("statistics", "research"),
    IDENTIFIED: ("follow_up", "family_contact", "referral", "registration_services"),
}
"""The purposes by the kind of export. Each is also a purpose of consents."""
FIRST_FIELDS: Final = ("case_code",)
"""What a new form has chosen."""
MONTHS_OFFERED: Final = 24
_BETWEEN_CODES: Final = ","


class Typed(Protocol):
    """The fields of a sent form."""

    def text(self, name: str) -> str:
        """A field without blanks around it."""

    def all(self, name: str) -> list[str]:
        """All values of a field."""


def months_over(today: date) -> list[tuple[date, date]]:
    """The first and the last day of each of the last months that are over, the newest first."""
    found = []
    first = today.replace(day=1)
    for _ in range(MONTHS_OFFERED):
        last = first - timedelta(days=1)
        first = last.replace(day=1)
        found.append((first, last))
    return found


def places_by_name(places: Mapping[str, str]) -> list[tuple[str, str]]:
    """The reception places for choice, each name once: a place may have several codes, and an export needs all."""
    codes: dict[str, list[str]] = {}
    for code, name in sorted(places.items()):
        codes.setdefault(name, []).append(code)
    return [(_BETWEEN_CODES.join(known), name) for name, known in codes.items()]


def body_of(typed: Typed, kind: str) -> dict[str, Any]:
    """The export that the form asks for. What is empty is left out, so that the service names what is missing."""
    told: dict[str, Any] = {
        "kind": kind,
        "purpose": typed.text("purpose"),
        "arrived_from": typed.text("arrived_from"),
        "arrived_until": typed.text("arrived_until"),
        "reception_places": [code for one in typed.all("places") for code in one.split(_BETWEEN_CODES)],
    }
    if kind == IDENTIFIED:
        recipient = {name: typed.text(name) for name in ("organization_id", "recipient_class")}
        told |= {
            "recipient": {name: value for name, value in recipient.items() if value},
            "reason": typed.text("reason"),
            "fields": typed.all("fields"),
        }
    return {name: value for name, value in told.items() if value}
