"""Reads the needs of a person and the taxonomy with whose words they are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.console import choices
from services.console.answers import Json, Part
from services.console.calls import Service, together
from services.console.errors import ServiceAway
from services.console.intake.queries import Registered, path_of, registered, whole
from services.console.needs import rules
from services.console.people import Person
from services.console.taxonomy import Taxonomy, taxonomy_of


@dataclass(frozen=True)
class NeedsPage:
    """A person and a page of their needs."""

    found: Registered
    needs: Part[Any]
    taxonomy: Taxonomy
    names: dict[str, str]

    def details(self, need: Json, yes: str, no: str) -> list[tuple[str, str]]:
        """The details of a need in words."""
        return rules.told_words(self.taxonomy.document, need["detail_values"], names=self.names, yes=yes, no=no)


async def needs_page(person: Person, returnee_id: UUID, *, after: str | None = None) -> NeedsPage:
    """The needs that this reader may see. Raises Refused or ServiceAway if the person cannot be read."""
    parts = await together(
        found=registered(person, returnee_id),
        needs=person.calls.get(Service.REGISTRATION, f"{path_of(returnee_id)}/needs", limit=100, after=after),
        taxonomy=taxonomy_of(person),
    )
    found: Registered = whole(parts["found"])
    return NeedsPage(found, parts["needs"], parts["taxonomy"].value or Taxonomy(), names(person))


async def words_for_needs(person: Person) -> Mapping[str, Any]:
    """The taxonomy for a form that is sent. Raises ServiceAway: without it, answers to questions would be lost."""
    document = (await taxonomy_of(person)).document
    if not document.get("categories"):
        raise ServiceAway(Service.DIRECTORY)
    return document


async def need_of(person: Person, returnee_id: UUID, need_id: UUID) -> Json:
    """One need. Raises Refused if it does not exist for the reader."""
    answer = await person.calls.get(Service.REGISTRATION, f"{path_of(returnee_id)}/needs/{need_id}")
    need: Json = answer.body
    return need


def names(person: Person) -> dict[str, str]:
    """The names of the areas and languages that a detail may have."""
    pack = person.console.pack
    return {**dict(choices.languages(person.words, pack)), **pack.areas}
