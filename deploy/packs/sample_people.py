"""The sample people of a pack (`people.yaml`), and what of them does not fit the pack's other files."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from deploy.packs.directory import organization_id
from deploy.packs.disagreements import Disagreement
from libs.chassis.yaml_files import PackPart
from services.registration.pack import Reception


class PersonEntry(PackPart):
    """A person of `people.yaml`."""

    subject: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)]
    name: Annotated[str, Field(min_length=1)]
    roles: Annotated[list[str], Field(min_length=1)]
    organization: str | None = None
    organization_id: UUID | None = None
    reception_places: list[str] = []
    desks: list[str] = []
    staff: bool = False


class SamplePeople(PackPart):
    """`people.yaml`."""

    sample: Literal[True]
    people: Annotated[list[PersonEntry], Field(min_length=1)]


def people_disagreements(
    sample: SamplePeople,
    *,
    roles: Collection[str],
    organizations: Mapping[str, UUID],
    desks: Collection[str],
    reception: Reception,
) -> Iterator[Disagreement]:
    """What does not fit: `roles` of roles.yaml, `organizations` of directory.yaml by slug, `desks` of routing.yaml."""
    places = {reception.country, *reception.places}
    times = Counter(person.subject for person in sample.people)
    for index, person in enumerate(sample.people):
        named = [
            *(("roles", f"{role} is not a role of roles.yaml") for role in person.roles if role not in roles),
            *(("desks", f"{desk} is not a desk of routing.yaml") for desk in person.desks if desk not in desks),
            *(
                ("reception_places", f"{code} is not a place of reception.yaml")
                for code in person.reception_places
                if code not in places
            ),
            *_about_the_tenant(person, organizations),
        ]
        if times[person.subject] > 1:
            named.append(("subject", "another person has the same subject"))
        for key, why in named:
            yield Disagreement("people", ("people", index, key), f"{person.subject}: {why}")


def _about_the_tenant(person: PersonEntry, organizations: Mapping[str, UUID]) -> Iterator[tuple[str, str]]:
    slug = person.organization
    if slug is not None and slug not in organizations:
        yield "organization", f"{slug} is not an organisation of directory.yaml"
    elif slug is not None and person.organization_id != organizations[slug]:
        yield "organization_id", f"must be {organization_id(slug)}"
    elif slug is None and person.organization_id is not None:
        yield "organization_id", "needs the organisation's slug too"
    if person.desks and not person.staff:
        yield "desks", "only staff act for desks"
    if slug is not None and (person.staff or person.reception_places):
        yield "organization", "a person of an organisation is no staff and has no reception places"
    if slug is None and not person.staff and not person.reception_places:
        yield "subject", "needs staff, an organisation or reception places"
