"""The search form as the API takes it, openings in words, who may change a listing (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import get_day_names

from services.console.labels import LABELS
from services.console.sessions import Rights
from services.console.words import Words

Json = Mapping[str, Any]
TONIGHT: Final = time(20)
MOST_OF_A_KIND: Final = 15
_SEPARATOR: Final = re.compile(r"[,;\s]+")
_NUMBER: Final = re.compile("[0-9]{1,4}")
ADULTS: Final = {"women": "female", "men": "male", "adults": None}
"""The sex of the adults that a field of the form counts."""


@dataclass(frozen=True)
class Wanted:
    """A search as the API takes it, and the form's fields by its JSON pointers."""

    body: dict[str, Any]
    pointers: Mapping[str, str]


def wanted(
    *, text: Callable[[str], str], every: Callable[[str], Sequence[str]], now: datetime, zone: ZoneInfo
) -> Wanted:
    """The search that the form means; fields that are empty are left out."""
    category, _, kind = text("need").partition("/")
    told = {"text": text("text"), "category": category, "kind": kind}
    body: dict[str, Any] = {name: value for name, value in told.items() if value}
    body |= {name: text(name) for name in ("place", "language") if text(name)}
    at = open_at(text("when"), text("at"), now=now, zone=zone)
    if at is not None:
        body["open_at"] = at
    if text("accepts_now"):
        body["accepts_now"] = True
    pointers = {"/text": "text", "/category": "need", "/kind": "need", "/place": "place", "/language": "language"}
    people, of_people = people_of(text, every)
    if people:
        body["for_people"] = people
    return Wanted(body, {**pointers, "/open_at": "at", "/for_people": "children", **of_people})


def open_at(when: str, typed: str, *, now: datetime, zone: ZoneInfo) -> str | None:
    """The time at which the service must be open. Tonight is now if the evening has come."""
    if when == "now":
        return now.isoformat()
    if when == "tonight":
        return max(now, datetime.combine(now.astimezone(zone).date(), TONIGHT, zone)).isoformat()
    if when != "other" or not typed:
        return None
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=zone).isoformat()
    except ValueError:
        return typed


def people_of(
    text: Callable[[str], str], every: Callable[[str], Sequence[str]]
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The people of the form, adults first, and the form's fields by the JSON pointers of their traits."""
    people: list[dict[str, Any]] = []
    pointers: dict[str, str] = {}
    for name, sex in ADULTS.items():
        for _ in range(min(_count(text(name)), MOST_OF_A_KIND)):
            pointers[f"/for_people/{len(people)}"] = name
            people.append({"age_group": "adult", **({"sex": sex} if sex else {})})
    for age in filter(None, _SEPARATOR.split(text("children"))):
        pointers[f"/for_people/{len(people)}"] = "children"
        people.append({"age": int(age) if _NUMBER.fullmatch(age) else age})
    alone = text("alone")
    first: dict[str, Any] = {"unaccompanied_child": True} if alone else {}
    if text("nationality"):
        first["nationality"] = text("nationality")
    if every("access_needs"):
        first["access_needs"] = list(every("access_needs"))
    if text("documents_told") or every("documents_held"):
        first["documents_held"] = list(every("documents_held"))
    if first:
        people = people or [{}]
        people[0] = {**people[0], **first}
        pointers |= {f"/for_people/0/{name}": name for name in ("nationality", "access_needs", "documents_held")}
    return people, pointers


def _count(typed: str) -> int:
    return int(typed) if _NUMBER.fullmatch(typed) else 0


def needs_of(taxonomy: Any) -> list[tuple[str, str]]:
    """All categories and their kinds as choices of one list."""
    found = []
    for category, name in taxonomy.categories:
        found.append((category, name))
        found += [(f"{category}/{kind}", f"{name}: {label}") for kind, label in taxonomy.kinds(category)]
    return found


def reasons(words: Words, codes: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """Why a service is a result, in words. A code without words is left out, because the others still hold."""
    texts = LABELS["match"]
    return [words(texts[code], **values) for code in codes if code in texts]


def time_of_day(minute: int) -> str:
    """A minute of the day as people write it."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def day_name(words: Words, weekday: int) -> str:
    """The name of a day; 1 is Monday."""
    return str(get_day_names("wide", locale=words.locale)[weekday - 1])


def openings_in_words(words: Words, openings: Sequence[Json]) -> list[tuple[str, str]]:
    """The openings as rows of days and hours; days one after the other with the same hours are one row."""
    rows: list[tuple[int, int, str]] = []
    for weekday in range(1, 8):
        hours = hours_of(openings, weekday)
        if not hours:
            continue
        if rows and rows[-1][1] == weekday - 1 and rows[-1][2] == hours:
            rows[-1] = (rows[-1][0], weekday, hours)
        else:
            rows.append((weekday, weekday, hours))
    return [(_days(words, first, last), hours) for first, last, hours in rows]


def hours_of(openings: Sequence[Json], weekday: int) -> str:
    """The hours of one day, such as `08:00-12:00, 14:00-18:00`."""
    periods = sorted((one["opens_minute"], one["closes_minute"]) for one in openings if one["weekday"] == weekday)
    return ", ".join(f"{time_of_day(opens)}-{time_of_day(closes)}" for opens, closes in periods)


def _days(words: Words, first: int, last: int) -> str:
    if first == last:
        return day_name(words, first)
    return words("%(first)s to %(last)s", first=day_name(words, first), last=day_name(words, last))


def may_change(rights: Rights, organization_id: str) -> bool:
    """Whether the person may change the listings of an organisation: administrators all, others their own."""
    if not rights.may("directory:read", "directory:write"):
        return False
    return administers(rights) or rights.organization_id == organization_id


def administers(rights: Rights) -> bool:
    """Whether the person administers the directory."""
    return rights.staff and rights.may("directory:read", "directory:admin")


def declares(rights: Rights) -> bool:
    """Whether the person declares places for any organisation. A provider has a page of its own for its places."""
    return administers(rights) and rights.may("capacity:write")


def may_replace(rights: Rights, listing: Json) -> bool:
    """Whether the person may change a service or location. A hidden address that is not shown would be lost."""
    own = rights.organization_id == listing["organization_id"]
    return may_change(rights, listing["organization_id"]) and (
        not listing["address_hidden"] or own or rights.restricted
    )


STEPS: Final[Mapping[str, Sequence[str]]] = {
    "active": ("suspend", "withdraw"),
    "suspended": ("resume", "withdraw"),
    "withdrawn": (),
}
"""The steps that a status allows."""
AFTER: Final[Mapping[str, str]] = {"suspend": "suspended", "resume": "active", "withdraw": "withdrawn"}
"""The status after each step."""
