"""The requests to delete data that are shown."""

from __future__ import annotations

from typing import Any, Final

from services.console.answers import Part
from services.console.calls import Service, part
from services.console.people import Person

_SHOWN: Final = 25


async def open_deletions(person: Person) -> int:
    """How many requests to delete data wait for an answer, at most 100."""
    if not person.may("deletions:read"):
        return 0
    query = {"answered": "false", "limit": 100}
    return len((await person.calls.get(Service.REGISTRATION, "/v1/deletion-requests", **query)).body["items"])


async def deletions(person: Person, *, answered: bool, after: str | None) -> Part[Any]:
    """Requests to delete data, oldest first."""
    query = {"answered": "true" if answered else "false", "limit": _SHOWN, "after": after}
    return await part(person.calls.get(Service.REGISTRATION, "/v1/deletion-requests", **query))
