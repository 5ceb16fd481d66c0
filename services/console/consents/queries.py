"""Reads the consents of a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.console.answers import Part
from services.console.calls import Service, together
from services.console.intake.queries import Registered, path_of, registered, whole
from services.console.people import Person
from services.console.taxonomy import active_organizations


@dataclass(frozen=True)
class ConsentsPage:
    """A person and what they allow."""

    found: Registered
    consents: Part[Any]


async def name_of(person: Person, organization_id: str) -> str | None:
    """The name of an organisation, as it is read to the person; None if it is none of the choice."""
    return dict(await active_organizations(person)).get(organization_id)


async def consents_page(person: Person, returnee_id: UUID) -> ConsentsPage:
    """The consents, those that were withdrawn included. Raises Refused or ServiceAway if the person cannot be read."""
    parts = await together(
        found=registered(person, returnee_id),
        consents=person.calls.get(Service.REGISTRATION, f"{path_of(returnee_id)}/consents"),
    )
    return ConsentsPage(whole(parts["found"]), parts["consents"])
