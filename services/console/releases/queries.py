"""Reads releases. Registration records each look at one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.console.answers import Json, Part
from services.console.calls import Service, part
from services.console.people import Person

PATH: Final = "/v1/child-releases"
_PAGE: Final = 50


@dataclass(frozen=True)
class Release:
    """One release with the relative and what the child said, and the tag of the version that was read."""

    row: Json
    etag: str

    @property
    def path(self) -> str:
        """The page of the release."""
        return f"/child-releases/{self.row['id']}"


async def releases(person: Person, *, status: str, after: str | None) -> Part[Any]:
    """A page of the releases in this state, the newest first, without names."""
    return await part(person.calls.get(Service.REGISTRATION, PATH, status=status, limit=_PAGE, after=after))


async def release(person: Person, release_id: UUID) -> Release:
    """One release. Raises Refused or ServiceAway."""
    answer = await person.calls.get(Service.REGISTRATION, f"{PATH}/{release_id}")
    return Release(answer.body, answer.etag or "")
