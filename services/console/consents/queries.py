"""Reads the consents of a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.console.answers import Part
from services.console.calls import Service, together
from services.console.intake.queries import Registered, path_of, registered, whole
from services.console.people import Person


@dataclass(frozen=True)
class ConsentsPage:
    """A person and what they allow."""

    found: Registered
    consents: Part[Any]


async def consents_page(person: Person, returnee_id: UUID) -> ConsentsPage:
    """The consents, those that were withdrawn included. Raises Refused or ServiceAway if the person cannot be read."""
    parts = await together(
        found=registered(person, returnee_id),
        consents=person.calls.get(Service.REGISTRATION, f"{path_of(returnee_id)}/consents"),
    )
    return ConsentsPage(whole(parts["found"]), parts["consents"])
