"""Reads incidents, and finds whose data were concerned. Registration records each person whom a search lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.console.answers import Json, Part
from services.console.calls import Service, part
from services.console.incidents import rules
from services.console.people import Person
from services.console.taxonomy import Names, names_of

PATH: Final = "/v1/incidents"
_PAGE: Final = 50


@dataclass(frozen=True)
class Incident:
    """One incident, and the tag of the version that was read."""

    row: Json
    etag: str
    names: Names

    @property
    def path(self) -> str:
        """The page of the incident."""
        return f"/incidents/{self.row['id']}"

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done."""
        return bool(self.row["status"] == rules.OPEN)

    @property
    def open_duties(self) -> list[str]:
        """The duties that are neither done nor have a reason."""
        return [one["duty"] for one in self.row["duties"] if not one["settled_at"]]


async def incidents(person: Person, shown: str, *, after: str | None) -> Part[Any]:
    """A page of one of the lists, the newest first."""
    return await part(person.calls.get(Service.REGISTRATION, PATH, **rules.LISTS[shown], limit=_PAGE, after=after))


async def incident(person: Person, incident_id: UUID) -> Incident:
    """One incident. Raises Refused or ServiceAway."""
    answer = await person.calls.get(Service.REGISTRATION, f"{PATH}/{incident_id}")
    concerned = {"organization_id": answer.body["organization_id"]}
    return Incident(answer.body, answer.etag or "", await names_of(person, [concerned]))


async def affected(person: Person, incident: Json, *, after: str | None) -> Any:
    """A page of those whose data were concerned. Raises Refused or ServiceAway."""
    body = rules.search_of(incident, now=person.moments.now.isoformat())
    query = {"limit": _PAGE, **({"after": after} if after else {})}
    return (await person.calls.send("POST", Service.REGISTRATION, f"{PATH}/affected", body, query=query)).body
