"""The calls that the pages make to read. Each look is recorded with the purpose “request of the person”."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.console.answers import Json, Part
from services.console.calls import Service, together
from services.console.errors import Refused, ServiceAway
from services.console.people import Person
from services.console.people_data import rules
from services.console.taxonomy import Names, names_of

_PAGE: Final = 50
_DELETIONS: Final = 200
PURPOSE: Final = "request_of_person"
ERASED: Final = "returnee-erased"


@dataclass(frozen=True)
class Subject:
    """The person whose data the page is about."""

    id: UUID
    case_code: str | None
    erased: bool

    @property
    def path(self) -> str:
        """The page of the person."""
        return f"/people-data/{self.id}"


def path_of(returnee_id: UUID) -> str:
    """The address of the person's data, at registration and at referral."""
    return f"/v1/returnees/{returnee_id}"


def _subject(returnee_id: UUID, read: Part[Any]) -> Subject:
    """Raises Refused or ServiceAway if the person cannot be read; a person who was erased is known to be so."""
    if read.away is not None:
        raise ServiceAway(read.away)
    if read.problem is None:
        assert read.value is not None
        return Subject(returnee_id, read.value.body["case_code"], erased=False)
    if read.problem.code != ERASED:
        raise Refused(read.problem)
    return Subject(returnee_id, None, erased=True)


async def subject(person: Person, returnee_id: UUID) -> Subject:
    """The person. Raises Refused or ServiceAway."""
    read = person.calls.get(Service.REGISTRATION, path_of(returnee_id), purpose=PURPOSE)
    return _subject(returnee_id, (await together(read=read))["read"])


async def data_page(person: Person, returnee_id: UUID, after: Mapping[str, str | None]) -> Json:
    """The person with looks, consents and deletion requests. `after`: the cursor of each service's record."""
    calls, path = person.calls, path_of(returnee_id)
    wanted: dict[str, Any] = {
        "read": calls.get(Service.REGISTRATION, path, purpose=PURPOSE),
        "registration": calls.get(Service.REGISTRATION, f"{path}/access-log", limit=_PAGE, after=after["registration"]),
        "referral": calls.get(Service.REFERRAL, f"{path}/access-log", limit=_PAGE, after=after["referral"]),
        "consents": calls.get(Service.REGISTRATION, f"{path}/consents"),
    }
    if person.may("deletions:read"):
        wanted["deletions"] = calls.rows(
            Service.REGISTRATION, "/v1/deletion-requests", most=_DELETIONS, returnee_id=str(returnee_id)
        )
    found = await together(**wanted)
    about = _subject(returnee_id, found.pop("read"))
    logs = {service: found.pop(service) for service in rules.SERVICES}
    pages = {service: log.value.body for service, log in logs.items() if log.value is not None}
    looks = rules.merged({service: page["items"] for service, page in pages.items()})
    deletions = found.get("deletions")
    return {
        "about": about,
        "looks": looks,
        "logs": logs,
        "older": {service: page["next"] for service, page in pages.items() if page["next"]},
        "consents": found["consents"],
        "deletions": deletions,
        "names": await _names(person, [*looks, *((deletions.value if deletions else None) or ())]),
    }


async def _names(person: Person, rows: Sequence[Mapping[str, Any]]) -> Names:
    return await names_of(person, [{"organization_id": row["organization_id"]} for row in rows])
