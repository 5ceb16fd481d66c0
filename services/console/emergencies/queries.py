"""Reads requests for access in an emergency, and the person of one's own. Registration records each look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.console.answers import Json, Part
from services.console.calls import Service, part
from services.console.errors import Problem, Refused
from services.console.people import Person

PATH: Final = "/v1/emergencies"
_PAGE: Final = 50


@dataclass(frozen=True)
class Emergency:
    """One request with its words, and the tag of the version that was read."""

    row: Json
    etag: str

    @property
    def path(self) -> str:
        """The page of the request."""
        return f"/emergencies/{self.row['id']}"


@dataclass(frozen=True)
class Shown:
    """The person of one's own request as long as the access lasts; else why nobody is shown."""

    person: Json | None
    problem: Problem | None = None


async def own(person: Person) -> Part[Any]:
    """The newest of one's own requests."""
    return await part(person.calls.get(Service.REGISTRATION, f"{PATH}/mine", limit=_PAGE))


async def everybodys(person: Person, *, reviewed: bool, after: str | None) -> Part[Any]:
    """A page of the requests of everybody, the newest first: those without a review, or those with one."""
    query = {"to_review": "false" if reviewed else "true", "limit": _PAGE, "after": after}
    return await part(person.calls.get(Service.REGISTRATION, PATH, **query))


async def emergency(person: Person, emergency_id: UUID) -> Emergency:
    """One request with its words. Raises Refused or ServiceAway."""
    answer = await person.calls.get(Service.REGISTRATION, f"{PATH}/{emergency_id}")
    return Emergency(answer.body, answer.etag or "")


async def shown(person: Person, emergency_id: UUID) -> Shown:
    """Who the person is and how to reach them. Raises Refused if the request is not the reader's own."""
    try:
        return Shown((await person.calls.get(Service.REGISTRATION, f"{PATH}/{emergency_id}/person")).body)
    except Refused as refused:
        if refused.problem.code != "emergency-not-open":
            raise
        return Shown(None, refused.problem)
