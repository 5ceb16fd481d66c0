"""Reads flights and buses, their manifests, and people who are searched for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from services.console.answers import Json, Part
from services.console.calls import Service, part, together
from services.console.people import Person
from services.console.reception import rules

_BATCHES: Final = "/v1/arrival-batches"
_MOST_BATCHES: Final = 300
_PAGE: Final = 200
_MOST_ENTRIES: Final = 1000


@dataclass(frozen=True)
class Overview:
    """The flights and buses of a page. `trouble` says why some or all are missing."""

    batches: list[Any]
    trouble: Part[Any] | None = None
    after: str | None = None


async def overview_of_today(person: Person) -> Overview:
    """The flights and buses that a clerk works on today."""
    calls = person.calls
    parts = await together(
        announced=calls.rows(Service.REGISTRATION, _BATCHES, most=_MOST_BATCHES, status="announced"),
        landed=calls.rows(Service.REGISTRATION, _BATCHES, most=_MOST_BATCHES, status="landed"),
        completed=calls.rows(Service.REGISTRATION, _BATCHES, most=100, status="intake_completed"),
    )
    moments = person.moments
    today = moments.now.astimezone(moments.zone).date()
    # One that goes on to the next status between the calls is in two answers.
    found = {row["id"]: row for one in parts.values() for row in one.value or ()}
    chosen = [row for row in found.values() if rules.is_of_today(row, today=today, zone=moments.zone)]
    return Overview(rules.in_order(chosen), next((one for one in parts.values() if not one.there), None))


async def overview_of_all(person: Person, after: str | None) -> Overview:
    """All flights and buses, the newest first, page by page."""
    page = await part(person.calls.get(Service.REGISTRATION, _BATCHES, limit=50, after=after))
    if page.value is None:
        return Overview([], page)
    return Overview(page.value.body["items"], None, page.value.body["next"])


@dataclass(frozen=True)
class BatchPage:
    """One flight or bus with a page of its manifest."""

    batch: Part[Any]
    entries: Part[Any]
    shown: list[Any] = field(default_factory=list)
    after: str | None = None
    show: str = ""
    name: str = ""


async def batch_page(person: Person, batch_id: UUID, *, show: str = "", after: str | None = None) -> BatchPage:
    """One page of the manifest; the choice of a status applies to the rows of this page."""
    path = f"{_BATCHES}/{batch_id}"
    parts = await together(
        batch=person.calls.get(Service.REGISTRATION, path),
        entries=person.calls.get(Service.REGISTRATION, f"{path}/entries", limit=_PAGE, after=after),
    )
    batch, entries = parts["batch"], parts["entries"]
    told = {"items": [], "next": None} if entries.value is None else entries.value.body
    return BatchPage(batch, entries, rules.shown_entries(told["items"], show=show), told["next"], show)


async def found_in_batch(person: Person, batch_id: UUID, *, name: str) -> BatchPage:
    """The entries of the whole manifest that match a typed name."""
    path = f"{_BATCHES}/{batch_id}"
    parts = await together(
        batch=person.calls.get(Service.REGISTRATION, path),
        entries=person.calls.rows(Service.REGISTRATION, f"{path}/entries", most=_MOST_ENTRIES),
    )
    found = rules.shown_entries(parts["entries"].value or [], show="", name=name)
    return BatchPage(parts["batch"], parts["entries"], found, None, "", name)


@dataclass(frozen=True)
class Arriving:
    """What the form for registering a person needs: the flight or bus and the entry, if there is one."""

    batch: Part[Any]
    entries: Part[Any]
    entry: Json | None

    @property
    def place(self) -> str | None:
        """Where the flight or bus arrives, if it is known."""
        return None if self.batch.value is None else self.batch.value.body["reception_place"]


async def arriving(person: Person, batch_id: UUID | None, entry_id: UUID | None) -> Arriving:
    """The flight or bus and the entry of its manifest; both are missing for a person who came alone."""
    if batch_id is None:
        return Arriving(Part(), Part(), None)
    path = f"{_BATCHES}/{batch_id}"
    if entry_id is None:
        return Arriving(await part(person.calls.get(Service.REGISTRATION, path)), Part(), None)
    parts = await together(
        batch=person.calls.get(Service.REGISTRATION, path), entries=entry_of(person, batch_id, entry_id)
    )
    return Arriving(parts["batch"], parts["entries"], parts["entries"].value)


async def entry_of(person: Person, batch_id: UUID, entry_id: UUID) -> Json | None:
    """One entry of a manifest; None if it is not there any more."""
    path = f"{_BATCHES}/{batch_id}/entries"
    rows = await person.calls.rows(Service.REGISTRATION, path, most=_MOST_ENTRIES)
    return next((row for row in rows if row["id"] == str(entry_id)), None)
