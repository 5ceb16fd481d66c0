"""Reads pairs of records that may be one person. Registration records who compared whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.console.answers import Json, Part
from services.console.calls import Service, part
from services.console.people import Person

PATH: Final = "/v1/matches"
_PAGE: Final = 50


@dataclass(frozen=True)
class Compared:
    """One pair with the identity that the reader may see, and the tag of the version that was read."""

    row: Json
    etag: str

    @property
    def path(self) -> str:
        """The page of the pair."""
        return f"/matches/{self.row['id']}"


async def waiting(person: Person, *, status: str, after: str | None) -> Part[Any]:
    """A page of the pairs with this status, oldest first."""
    return await part(person.calls.get(Service.REGISTRATION, PATH, status=status, limit=_PAGE, after=after))


async def compared(person: Person, match_id: UUID) -> Compared:
    """One pair. Raises Refused or ServiceAway."""
    answer = await person.calls.get(Service.REGISTRATION, f"{PATH}/{match_id}")
    return Compared(answer.body, answer.etag or "")
