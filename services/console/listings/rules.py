"""Forms for listings: the values that a form shows, and the whole listing that replaces the stored one (pure).

A replacement contains the whole listing. What the form does not show stays as it is stored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from services.console.directory.rules import hours_of
from services.console.errors import FieldFault

Json = Mapping[str, Any]
Values = dict[str, list[str]]
MINIMUM_AGES: Final = (5, 12, 18, 25, 35, 60)
MAXIMUM_AGES: Final = (4, 11, 17, 24, 34, 59)
DAYS: Final = range(1, 8)
_MIDNIGHT: Final = 24 * 60
_PERIOD: Final = re.compile(r"\s*([0-9]{1,2})(?::([0-9]{2}))?\s*[-–]\s*([0-9]{1,2})(?::([0-9]{2}))?\s*")
_OF_VIEWS: Final = frozenset(
    {"id", "status", "version", "published", "accreditations", "agreements", "created_at", "changed_at"}
)
POINTERS: Final = {
    **{f"/{name}": name for name in ("name", "alternate_name", "description", "website", "organization_type")},
    **{f"/{name}": name for name in ("kinds", "place", "catchment", "languages", "max_stay_hours", "access")},
    **{f"/eligibility/{name}": name for name in ("minimum_age", "maximum_age", "sexes", "documents_required")},
    "/eligibility/unaccompanied_children": "unaccompanied_children",
    "/eligibility": "maximum_age",
    "/openings": "openings_mode",
    **{f"/address/{name}": name for name in ("address_1", "address_2", "city")},
    "/address": "address_1",
}
"""The form's fields by the JSON pointers of the API."""


class Typed(Protocol):
    """The fields of a sent form."""

    def text(self, name: str) -> str:
        """A field without blanks around it."""

    def all(self, name: str) -> list[str]:
        """All values of a field."""

    def number(self, name: str) -> int | str | None:
        """A whole number, or what was typed instead."""

    def ticked(self, name: str) -> bool:
        """Whether a box was ticked."""


class Unreadable(Exception):  # noqa: N818 (a state)
    """Hours that cannot be read; `faults` name the days."""

    def __init__(self, faults: Sequence[FieldFault]) -> None:
        super().__init__("hours")
        self.faults = faults


def body_of(view: Json) -> dict[str, Any]:
    """The listing as it was entered, from its view. The status is left out: then it stays."""
    return {name: value for name, value in view.items() if name not in _OF_VIEWS}


def organization_values(row: Json) -> Values:
    """What the form of an organisation shows."""
    names = ("name", "alternate_name", "description", "website", "organization_type")
    return {name: [str(row[name] or "")] for name in names}


def organization_body(row: Json, typed: Typed) -> dict[str, Any]:
    """The organisation that replaces the stored one."""
    told = {name: typed.text(name) for name in ("name", "description", "organization_type")}
    return {**body_of(row), **told, **{name: typed.text(name) or None for name in ("alternate_name", "website")}}


def location_values(row: Json) -> Values:
    """What the form of a location shows."""
    return {
        "name": [row["name"] or ""],
        "description": [row["description"]],
        "access": list(row["access"]),
        **_address_values(row),
        **_hours_values(row["openings"], without="always"),
    }


def location_body(row: Json, typed: Typed, *, country: str) -> dict[str, Any]:
    """The location that replaces the stored one."""
    return {
        **body_of(row),
        "name": typed.text("name") or None,
        "description": typed.text("description"),
        "access": sorted(typed.all("access")),
        "openings": _openings(typed) or [],
        **_address(row, typed, country=country),
    }


def service_values(row: Json) -> Values:
    """What the form of a service shows."""
    limits = row["eligibility"]
    shown: Values = {
        "name": [row["name"]],
        "description": [row["description"]],
        "kinds": [one["kind"] for one in row["kinds"]],
        "place": [row["place"] or ""],
        "max_stay_hours": [str(row["max_stay_hours"] or "")],
        "access_mode": ["location" if row["access"] is None else "own"],
        "access": list(row["access"] or ()),
        **{name: list(row[name]) for name in ("catchment", "languages")},
        **{name: list(limits[name]) for name in ("sexes", "documents_required")},
        **{name: ["" if limits[name] is None else str(limits[name])] for name in ("minimum_age", "maximum_age")},
        **_address_values(row),
        **_hours_values(row["openings"], without="location" if row["openings"] is None else "always"),
    }
    ticks = {**limits, **row}
    for name in ("households", "unaccompanied_children", "language_must_match", "accepts_automatically"):
        shown[name] = ["yes"] if ticks[name] else []
    return shown


def service_body(row: Json, typed: Typed, *, country: str) -> dict[str, Any]:
    """The service that replaces the stored one. The scopes of kinds stay."""
    stored = {one["kind"]: one for one in row["kinds"]}
    limits = {
        **row["eligibility"],
        "minimum_age": typed.number("minimum_age"),
        "maximum_age": typed.number("maximum_age"),
        "households": typed.ticked("households"),
        "unaccompanied_children": typed.ticked("unaccompanied_children"),
        "sexes": sorted(typed.all("sexes")),
        "documents_required": sorted(typed.all("documents_required")),
    }
    return {
        **body_of(row),
        "name": typed.text("name"),
        "description": typed.text("description"),
        "kinds": [stored.get(kind, {"kind": kind, "scope": []}) for kind in typed.all("kinds")],
        "place": typed.text("place") or None,
        "catchment": sorted(typed.all("catchment")),
        "eligibility": limits,
        "languages": sorted(typed.all("languages")),
        "language_must_match": typed.ticked("language_must_match"),
        "access": None if typed.text("access_mode") == "location" else sorted(typed.all("access")),
        "openings": _openings(typed),
        "accepts_automatically": typed.ticked("accepts_automatically"),
        "max_stay_hours": typed.number("max_stay_hours"),
        **_address(row, typed, country=country),
    }


def _address_values(row: Json) -> Values:
    told = row["address"] or {}
    shown = {name: [told.get(name) or ""] for name in ("address_1", "address_2", "city")}
    return {**shown, "address_hidden": ["yes"] if row["address_hidden"] else []}


def _address(row: Json, typed: Typed, *, country: str) -> dict[str, Any]:
    told = {name: typed.text(name) or None for name in ("address_1", "address_2", "city")}
    kept = row["address"] or {"country": country}
    return {
        "address": {**kept, **told} if any(told.values()) else None,
        "address_hidden": typed.ticked("address_hidden"),
    }


def _hours_values(openings: Sequence[Json] | None, *, without: str) -> Values:
    shown = {f"day-{weekday}": [hours_of(openings or (), weekday)] for weekday in DAYS}
    return {"openings_mode": ["hours" if openings else without], **shown}


def _openings(typed: Typed) -> list[dict[str, int]] | None:
    """The openings; None: those of the location. Raises Unreadable."""
    mode = typed.text("openings_mode")
    if mode != "hours":
        return None if mode == "location" else []
    found: list[dict[str, int]] = []
    faults = []
    for weekday in DAYS:
        periods = [periods_of(part) for part in typed.text(f"day-{weekday}").split(",") if part.strip()]
        if None in periods:
            faults.append(FieldFault(f"/openings/day-{weekday}", "hours-form", ""))
        for period in periods:
            found += _on(weekday, period or ())
    if not found and not faults:
        faults.append(FieldFault("/openings/day-1", "hours-missing", ""))
    if faults:
        raise Unreadable(faults)
    return sorted(found, key=lambda one: (one["weekday"], one["opens_minute"]))


def periods_of(typed: str) -> Sequence[tuple[int, int, int]] | None:
    """A period such as `8:00-16:00` as days from the first one, opening and closing; None if it cannot be read.

    A period over midnight is two: one until midnight, and one from midnight on the next day.
    """
    read = _PERIOD.fullmatch(typed)
    if read is None:
        return None
    opens, closes = (int(read[at]) * 60 + int(read[at + 1] or 0) for at in (1, 3))
    if any(int(read[at] or 0) > 59 for at in (2, 4)) or max(opens, closes) > _MIDNIGHT or opens == _MIDNIGHT:
        return None
    if opens < closes:
        return [(0, opens, closes)]
    return [(0, opens, _MIDNIGHT), *([(1, 0, closes)] if closes else [])]


def _on(weekday: int, periods: Sequence[tuple[int, int, int]]) -> list[dict[str, int]]:
    return [
        {"weekday": (weekday - 1 + later) % 7 + 1, "opens_minute": opens, "closes_minute": closes}
        for later, opens, closes in periods
    ]


def day_pointers() -> dict[str, str]:
    """The fields of the days by the pointers of `Unreadable`."""
    return {f"/openings/day-{weekday}": f"day-{weekday}" for weekday in DAYS}


def holds_already(present: Json, told: Json) -> bool:
    """Whether the stored listing is what the form asks for: the form was sent twice."""
    return all(present.get(name) == value for name, value in told.items())
