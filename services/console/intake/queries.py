"""Reads a registered person, and the people of their household. Each look at a person is recorded by registration."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.console.answers import Json, Part
from services.console.calls import Service, together
from services.console.errors import FieldFault, Problem, Refused, ServiceAway
from services.console.forms import case_code
from services.console.people import Person


@dataclass(frozen=True)
class Registered:
    """A registered person, and the tag of the version that was read."""

    row: Json
    etag: str

    @property
    def id(self) -> str:
        """The id of the person."""
        return str(self.row["id"])

    @property
    def case_code(self) -> str:
        """What the person is called outside registration."""
        return str(self.row["case_code"])

    @property
    def path(self) -> str:
        """The page of the person."""
        return f"/reception/people/{self.id}"

    @property
    def languages(self) -> Sequence[str]:
        """The languages that the person speaks, the best one first."""
        return list(self.row["profile"]["languages"])


def path_of(returnee_id: UUID) -> str:
    """The address of the person's data at registration."""
    return f"/v1/returnees/{returnee_id}"


async def registered(person: Person, returnee_id: UUID) -> Registered:
    """The registered person. Raises Refused or ServiceAway."""
    answer = await person.calls.get(Service.REGISTRATION, path_of(returnee_id))
    return Registered(answer.body, answer.etag or "")


async def id_of(person: Person, typed: str) -> str:
    """The id of the person with a case code as it was typed. Raises Refused."""
    code, rule = case_code(typed), "missing"
    if code:
        body = {"case_code": code}
        found = (await person.calls.send("POST", Service.REGISTRATION, "/v1/returnees/search", body)).body["items"]
        if found:
            return str(found[0]["id"])
        rule = "nobody-found"
    faults = [FieldFault("/case_code", rule, "")]
    raise Refused(Problem(Service.REGISTRATION, 422, "invalid-input", "", faults))


def whole(one: Part[Any]) -> Any:
    """What a whole page depends on. Raises ServiceAway or Refused if it is missing."""
    if one.away is not None:
        raise ServiceAway(one.away)
    if one.problem is not None:
        raise Refused(one.problem)
    return one.value


@dataclass(frozen=True)
class PersonPage:
    """A registered person, and how much is known about them."""

    found: Part[Any]
    needs: Part[Any]
    consents: Part[Any]
    contact: Part[Any]
    """Whether a safe contact is known, without the contact."""
    matches: Part[Any] | None = None
    """Who may be the same person; None for a reader who may not compare."""

    @property
    def needs_count(self) -> int:
        """The needs that this reader may see and that were not withdrawn."""
        return sum(1 for one in self.needs.value or () if one["status"] == "reported")

    @property
    def consents_count(self) -> int:
        """The consents that are valid now."""
        return 0 if self.consents.value is None else sum(1 for one in self.consents.value.body if one["standing"])


async def person_page(person: Person, returnee_id: UUID) -> PersonPage:
    """What the page of a person shows. Raises Refused if the person does not exist for the reader."""
    path = path_of(returnee_id)
    wanted: dict[str, Any] = {
        "found": registered(person, returnee_id),
        "needs": person.calls.rows(Service.REGISTRATION, f"{path}/needs", most=200),
        "consents": person.calls.get(Service.REGISTRATION, f"{path}/consents"),
        "contact": person.calls.get(Service.REGISTRATION, f"{path}/safe-contact/state"),
    }
    if person.may("matches:read"):
        wanted["matches"] = person.calls.get(Service.REGISTRATION, f"{path}/matches")
    parts = await together(**wanted)
    if parts["found"].problem is not None:
        raise Refused(parts["found"].problem)
    return PersonPage(**parts)


@dataclass(frozen=True)
class Household:
    """The household of a person with the case codes of its members; without `row` the person has none."""

    row: Json | None
    etag: str
    codes: dict[str, str]


async def household_of(person: Person, found: Registered) -> Household:
    """The household. The members, at most 30, are read side by side; one whom the reader may not see has no code."""
    household_id = found.row["household_id"]
    if household_id is None:
        return Household(None, "", {found.id: found.case_code})
    answer = await person.calls.get(Service.REGISTRATION, f"/v1/households/{household_id}")
    ids = answer.body["member_ids"]
    codes = await asyncio.gather(*(_code(person, found, id) for id in ids))
    return Household(answer.body, answer.etag or "", dict(zip(ids, codes, strict=True)))


async def _code(person: Person, found: Registered, id: str) -> str:
    if id == found.id:
        return found.case_code
    try:
        return (await registered(person, UUID(id))).case_code
    except Refused:
        return ""
