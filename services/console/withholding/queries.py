"""Reads whom a person excludes. Registration records each look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.console.answers import Json
from services.console.calls import Service
from services.console.intake.queries import Registered, registered
from services.console.people import Person


def path_of(returnee_id: UUID) -> str:
    """The address of the list at registration."""
    return f"/v1/returnees/{returnee_id}/excluded-people"


@dataclass(frozen=True)
class Page:
    """A person, and whom they exclude, in the order in which they were told."""

    found: Registered
    excluded: Sequence[Json]


async def page(person: Person, returnee_id: UUID) -> Page:
    """What the page of one person shows. Raises Refused or ServiceAway."""
    found = await registered(person, returnee_id)
    rows: Sequence[Json] = (await person.calls.get(Service.REGISTRATION, path_of(returnee_id))).body
    return Page(found, rows)
