"""Reads exports, and the file of an export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.console.answers import Json, Part
from services.console.calls import File, Service, part
from services.console.people import Person
from services.console.taxonomy import Names, names_of

PATH: Final = "/v1/exports"
_PAGE: Final = 50


@dataclass(frozen=True)
class Export:
    """One export with its reason, and the tag of the version that was read."""

    row: Json
    etag: str
    names: Names

    @property
    def path(self) -> str:
        """The page of the export."""
        return f"/exports/{self.row['id']}"


async def exports(person: Person, *, waiting: bool, after: str | None) -> Part[Any]:
    """A page of exports, the newest first: one's own, and all of them for who approves."""
    query = {"waiting": "true" if waiting else None, "limit": _PAGE, "after": after}
    return await part(person.calls.get(Service.REGISTRATION, PATH, **query))


async def export(person: Person, export_id: UUID) -> Export:
    """One export. Raises Refused or ServiceAway."""
    answer = await person.calls.get(Service.REGISTRATION, f"{PATH}/{export_id}")
    recipient = {"organization_id": answer.body["recipient_organization_id"]}
    return Export(answer.body, answer.etag or "", await names_of(person, [recipient]))


async def file_of(person: Person, export_id: UUID) -> File:
    """The file, made now. Registration counts and records each download."""
    return await person.calls.file(Service.REGISTRATION, f"{PATH}/{export_id}/file")
