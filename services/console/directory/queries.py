"""The calls that the pages of the directory make to read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from services.console import choices
from services.console.answers import Json, Part
from services.console.calls import Service, part, together
from services.console.directory import rules
from services.console.labels import label
from services.console.people import Person
from services.console.places.queries import declared, pool_name
from services.console.taxonomy import Names, Taxonomy, names_of, taxonomy_of

_PAGE: Final = 50
_FOUND: Final = 20
_OF_ORGANIZATION: Final = 200
DIRECTORY: Final = Service.DIRECTORY


async def _body(person: Person, path: str, **query: Any) -> Any:
    return (await person.calls.get(DIRECTORY, path, **query)).body


async def form_choices(person: Person) -> Json:
    """What the search form offers for choice."""
    taxonomy = await taxonomy_of(person)
    pack, words = person.console.pack, person.words
    return {
        "taxonomy": taxonomy,
        "needs": rules.needs_of(taxonomy),
        "places": choices.areas(pack),
        "spoken": choices.languages(words, pack),
        "countries": choices.countries(words),
        "documents": [(one["code"], one["label"]) for one in taxonomy.document.get("documents", ())],
        "accesses": choices.coded(words, "access_need"),
        "times": choices.coded(words, "search_time"),
    }


async def search(person: Person, wanted: rules.Wanted, *, after: str | None) -> Json:
    """One page of results. A POST, so that nothing of a person is in an address."""
    query = {"limit": _FOUND, **({"after": after} if after else {})}
    answer = await person.calls.send("POST", DIRECTORY, "/v1/services/search", wanted.body, query=query)
    found: Json = answer.body
    return found


def asked_words(person: Person, body: Mapping[str, Any], taxonomy: Taxonomy) -> dict[str, str]:
    """The names of what was searched for, for the reasons of the results."""
    return {
        "category": taxonomy.category(body.get("category")),
        "kind": taxonomy.kind(body.get("kind")),
        "place": person.console.pack.areas.get(body.get("place", ""), body.get("place", "")),
        "language": choices.language_name(person.words, body.get("language", "")),
    }


async def organizations(person: Person, after: str | None) -> Part[Any]:
    """A page of organisations."""
    return await part(_body(person, "/v1/organizations", limit=_PAGE, after=after))


async def organization(person: Person, organization_id: str) -> Json:
    """An organisation with its services and locations. Raises Refused if it cannot be read."""
    answer, found, taxonomy = await asyncio.gather(
        person.calls.get(DIRECTORY, f"/v1/organizations/{organization_id}"),
        together(
            services=person.calls.rows(
                DIRECTORY, "/v1/services", most=_OF_ORGANIZATION, organization_id=organization_id
            ),
            locations=person.calls.rows(
                DIRECTORY, "/v1/locations", most=_OF_ORGANIZATION, organization_id=organization_id
            ),
        ),
        taxonomy_of(person),
    )
    return {"organization": answer.body, "etag": answer.etag, "taxonomy": taxonomy, **found}


async def services(person: Person, *, category: str | None, after: str | None) -> Json:
    """A page of all services, of any status, with the names of their organisations."""
    found, taxonomy = await asyncio.gather(
        part(_body(person, "/v1/services", limit=_PAGE, category=category, after=after)), taxonomy_of(person)
    )
    names = await names_of(person, found.value["items"]) if found.value is not None else Names()
    return {"services": found, "names": names, "taxonomy": taxonomy}


async def service(person: Person, service_id: str) -> Json:
    """A service with its places. Raises Refused if it cannot be read."""
    read, found = await asyncio.gather(
        person.calls.get(DIRECTORY, f"/v1/services/{service_id}"),
        together(capacity=declared(person, service_id), taxonomy=taxonomy_of(person)),
    )
    row = read.body
    named = [{"organization_id": row["organization_id"]}]
    location_id = row["location_id"]
    location, names = await asyncio.gather(_location(person, location_id), names_of(person, named))
    return {
        "service": row,
        "etag": read.etag,
        "location": location,
        "names": names,
        "taxonomy": found["taxonomy"].value,
        "capacity": found["capacity"],
        "pool_name": lambda kind: pool_name(person, kind),
    }


async def _location(person: Person, location_id: str | None) -> Json | None:
    """The location of a service; None if it has none, or if it cannot be read now."""
    if location_id is None:
        return None
    found: Part[Json] = await part(_body(person, f"/v1/locations/{location_id}"))
    return found.value


async def location(person: Person, location_id: str) -> Json:
    """A location. Raises Refused if it cannot be read."""
    read = await person.calls.get(DIRECTORY, f"/v1/locations/{location_id}")
    row = read.body
    found = await together(
        names=names_of(person, [row]),
        services=person.calls.rows(
            DIRECTORY, "/v1/services", most=_OF_ORGANIZATION, organization_id=row["organization_id"]
        ),
    )
    here = found["services"]
    if here.there:
        here = Part(value=[one for one in here.value or () if one["location_id"] == location_id])
    return {"location": row, "etag": read.etag, "names": found["names"].value, "services": here}


def step_done(person: Person, step: str) -> str:
    """What the next page says about a step that was taken."""
    return label(person.words, "step_done", step)


def naming(person: Person) -> Json:
    """What templates need to name places, languages and hours."""
    words, pack = person.words, person.console.pack

    def place_name(code: str | None) -> str:
        """The area of a place; finer places have their own code behind it."""
        area = pack.areas.get((code or "")[:4])
        return pack.place(code) if area is None else area if len(code or "") <= len("GT01") else f"{area} ({code})"

    return {
        "place_name": place_name,
        "area_name": lambda code: words.locale.territories.get(code, code) if len(code) == 2 else place_name(code),
        "language_name": lambda code: choices.language_name(words, code),
        "country_name": lambda code: words.locale.territories.get(code, code),
        "openings": lambda openings: rules.openings_in_words(words, openings),
        "rights_rules": rules,
    }
