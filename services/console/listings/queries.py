"""Reads the listing that a form changes, and what the form offers for choice."""

from __future__ import annotations

from typing import Any, Final, Literal
from uuid import UUID

from services.console import choices
from services.console.answers import Json
from services.console.calls import Answer, Service
from services.console.directory import rules as directory
from services.console.directory.queries import naming
from services.console.errors import NoSuchPage
from services.console.listings import rules
from services.console.people import Person
from services.console.taxonomy import taxonomy_of

Kind = Literal["organizations", "services", "locations"]
_MAY: Final = {
    "organizations": lambda rights, row: directory.may_change(rights, row["id"]),
    "services": directory.may_replace,
    "locations": directory.may_replace,
}


def path_of(kind: str, id: UUID) -> str:
    """The address of a listing at the directory."""
    return f"/v1/{kind}/{id}"


async def own(person: Person, kind: Kind, id: UUID) -> Answer:
    """A listing that the person may change. Raises NoSuchPage for any other."""
    found = await person.calls.get(Service.DIRECTORY, path_of(kind, id))
    if not _MAY[kind](person.rights, found.body):
        raise NoSuchPage
    return found


async def own_status(person: Person, kind: Kind, id: UUID) -> Answer:
    """A listing whose status the person may change, also one whose address they may not see. Raises NoSuchPage."""
    found = await person.calls.get(Service.DIRECTORY, path_of(kind, id))
    owner = found.body["id"] if kind == "organizations" else found.body["organization_id"]
    if not directory.may_change(person.rights, owner):
        raise NoSuchPage
    return found


def values_of(kind: Kind, row: Json) -> rules.Values:
    """What the form shows at first."""
    shown = {
        "organizations": rules.organization_values,
        "services": rules.service_values,
        "locations": rules.location_values,
    }
    return shown[kind](row)


async def form_choices(person: Person, kind: Kind, row: Json) -> dict[str, Any]:
    """What the form offers for choice. The present values are always among it."""
    words, pack = person.words, person.console.pack
    found: dict[str, Any] = {
        "day_name": lambda weekday: directory.day_name(words, weekday),
        "accesses": choices.coded(words, "access_offered"),
    }
    if kind != "services":
        return found
    taxonomy = await taxonomy_of(person)
    areas = list(choices.areas(pack))
    area_name = naming(person)["area_name"]
    finer = [(code, area_name(code)) for code in row["catchment"] if code not in pack.areas]
    place = row["place"]
    kinds = dict(taxonomy.kinds(row["category"])) | {one["kind"]: taxonomy.kind(one["kind"]) for one in row["kinds"]}
    documents = {one["code"]: one["label"] for one in taxonomy.document.get("documents", ())}
    documents |= {one: taxonomy.document_name(one) for one in row["eligibility"]["documents_required"]}
    return found | {
        "kinds": list(kinds.items()),
        "areas": [*areas, *finer],
        "places": areas if place is None or place in pack.areas else [*areas, (place, area_name(place))],
        "spoken": choices.languages(words, pack, also=row["languages"]),
        "sexes": choices.coded(words, "sex", without=["unknown"]),
        "documents": list(documents.items()),
        "minimum_ages": [(str(age), str(age)) for age in rules.MINIMUM_AGES],
        "maximum_ages": [(str(age), str(age)) for age in rules.MAXIMUM_AGES],
    }
