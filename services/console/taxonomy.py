"""Names of categories, kinds, documents, details and facts in the person's language (`GET /v1/taxonomy`), and of
organisations and services of the directory. People with the same rights share them for a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from services.console.answers import Json
from services.console.calls import Service, part
from services.console.errors import Refused, ServiceAway
from services.console.people import Person

_KEPT_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Taxonomy:
    """The pack's words for needs. Without the directory service, codes are shown with blanks for underscores."""

    document: Mapping[str, Any] = field(default_factory=dict)
    desks: Mapping[str, str] = field(default_factory=dict)
    """The names of the desks, for those who see work lists (`GET /v1/desks`)."""

    def _named(self, list_name: str, code: str | None) -> str:
        if not code:
            return "–"
        found = next((one for one in self.document.get(list_name, ()) if one["code"] == code), None)
        return str(found["label"]) if found else code.replace("_", " ").replace("-", " ")

    def category(self, code: str | None) -> str:
        """The name of a category."""
        return self._named("categories", code)

    def kind(self, code: str | None) -> str:
        """The name of a kind."""
        return self._named("kinds", code)

    def document_name(self, code: str | None) -> str:
        """The name of a document."""
        return self._named("documents", code)

    def detail(self, code: str | None) -> str:
        """The name of a detail."""
        return self._named("details", code)

    def fact(self, code: str | None) -> str:
        """The name of a fact of completion."""
        return self._named("facts", code)

    def value(self, told: Mapping[str, Any]) -> str:
        """The value of a told detail in words."""
        question = next((one for one in self.document.get("details", ()) if one["code"] == told["detail"]), None)
        values = told["value"] if isinstance(told["value"], list) else [told["value"]]
        known = {one["code"]: one["label"] for one in (question or {}).get("values") or ()}
        return ", ".join(str(known.get(value, value)) for value in values)

    def desk(self, code: str | None) -> str:
        """The name of a desk; the code of a person or of a desk that the pack does not name."""
        return self.desks.get(code or "", code or "–")

    def need(self, category: str, kind: str | None) -> str:
        """What is needed: the kind where it is told, otherwise the category."""
        return self.kind(kind) if kind else self.category(category)

    @property
    def categories(self) -> list[tuple[str, str]]:
        """Codes and names of the categories that exist for this person."""
        return [(one["code"], one["label"]) for one in self.document.get("categories", ())]

    def kinds(self, category: str) -> list[tuple[str, str]]:
        """Codes and names of the kinds of a category."""
        kinds = self.document.get("kinds", ())
        return [(one["code"], one["label"]) for one in kinds if one["category"] == category]


async def taxonomy_of(person: Person) -> Taxonomy:
    """The taxonomy in the person's language, and the names of desks. If a service is away, codes stand for names."""
    document, desks = await asyncio.gather(_document(person), _desks(person))
    if not person.rights.restricted:
        document = _without(document, person.console.pack.restricted)
    return Taxonomy(document, desks)


async def _document(person: Person) -> Mapping[str, Any]:
    async def read() -> Json:
        # In the person's language, or in another one of the pack if it lacks that (Accept-Language).
        found: Json = (await person.calls.get(Service.DIRECTORY, "/v1/taxonomy")).body
        return found

    if not person.may("directory:read"):
        return {}
    found = await part(person.shared(f"taxonomy {person.words.language}", read, seconds=_KEPT_SECONDS))
    return found.value or {}


async def desks_told(person: Person) -> list[Json]:
    """The desks as the API tells them. Raises ServiceAway or Refused."""

    async def read() -> list[Json]:
        rows: list[Json] = (await person.calls.get(Service.REFERRAL, "/v1/desks")).body["desks"]
        return rows

    rows: list[Json] = await person.shared("desks", read, seconds=_KEPT_SECONDS)
    return rows


async def _desks(person: Person) -> Mapping[str, str]:
    if not (person.rights.staff and person.may("work-lists:read")):
        return {}
    found = await part(desks_told(person))
    return {row["desk"]: row["name"] for row in found.value or ()}


def _without(document: Mapping[str, Any], restricted: frozenset[str]) -> Mapping[str, Any]:
    """The taxonomy without the categories that do not exist for this person."""
    return {
        **document,
        "categories": [one for one in document.get("categories", ()) if one["code"] not in restricted],
        "kinds": [one for one in document.get("kinds", ()) if one["category"] not in restricted],
    }


@dataclass(frozen=True)
class Names:
    """The names of organisations and services by id."""

    organizations: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)

    def organization(self, id: str | None) -> str:
        """The name of an organisation; a dash if it is not known."""
        return self.organizations.get(id or "", "–")

    def service(self, id: str | None) -> str:
        """The name of a service; a dash if it is not known."""
        return self.services.get(id or "", "–")


async def names_of(person: Person, rows: Iterable[Mapping[str, Any]]) -> Names:
    """The names for the `organization_id` and `provider_service_id` of these rows, in as few calls as possible.

    Without the directory, names are missing and the page works.
    """
    found = list(rows)
    organizations = sorted({row["organization_id"] for row in found if row.get("organization_id")})
    services = sorted({row["provider_service_id"] for row in found if row.get("provider_service_id")})
    if not person.may("directory:read") or not (organizations or services):
        return Names()
    try:
        return Names(
            *await asyncio.gather(
                _named(person, "/v1/organizations", organizations), _named(person, "/v1/services", services)
            )
        )
    except (ServiceAway, Refused):
        return Names()


async def _named(person: Person, path: str, ids: list[str]) -> Mapping[str, str]:
    async def some(asked: list[str]) -> Mapping[str, str]:
        async def read() -> dict[str, str]:
            rows = await person.calls.rows(Service.DIRECTORY, path, id=asked)
            return {row["id"]: row["name"] for row in rows}

        names: Mapping[str, str] = await person.shared(f"{path} {' '.join(asked)}", read, seconds=_KEPT_SECONDS)
        return names

    found = await asyncio.gather(*(some(ids[first : first + 100]) for first in range(0, len(ids), 100)))
    return {id: name for names in found for id, name in names.items()}


async def active_organizations(person: Person) -> list[tuple[str, str]]:
    """The organisations that take part, for choice. Empty if the person may not read the directory, or if it does not
    answer."""
    if not person.may("directory:read"):
        return []
    found = await part(person.calls.rows(Service.DIRECTORY, "/v1/organizations"))
    return [(one["id"], one["name"]) for one in found.value or () if one["status"] == "active"]
