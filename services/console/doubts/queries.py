"""Reads what waits for the intake desk."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.console.answers import Json, Part
from services.console.calls import Service, together
from services.console.people import Person

_PAGE = 50


async def waiting(person: Person, *, after: str | None, claims_after: str | None) -> dict[str, Part[Any]]:
    """A page of the open parts (`parts`) and a page of the open claims (`claims`)."""
    get = person.calls.get
    return await together(
        parts=get(Service.REGISTRATION, "/v1/doubtful-parts", open=True, limit=_PAGE, after=after),
        claims=get(Service.REGISTRATION, "/v1/household-claims", open=True, limit=_PAGE, after=claims_after),
    )


async def doubtful_part(person: Person, part_id: UUID) -> Json:
    """One part with its value; registration records the look. Raises Refused or ServiceAway."""
    found: Json = (await person.calls.get(Service.REGISTRATION, f"/v1/doubtful-parts/{part_id}")).body
    return found
