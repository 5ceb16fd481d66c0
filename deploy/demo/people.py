"""Invented people on a flight or a bus, with the distributions of the country pack's `demo.yaml` (pure)."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from random import Random
from typing import Final

from deploy.demo.shares import dealt, some
from deploy.packs.demo_data import Demo, Education, Languages, People
from libs.events.codes import AccessNeed, DocumentKind, IdentityDocumentStatus, ProtectionFlag, Sex

WHEELCHAIR_SHARE: Final = 0.02
FEARING_SHARE: Final = 0.03
"""The share of those who fear the place to which they would go home."""
AGELESS_SHARE: Final = 0.01
"""The share of those who do not know their age. These three are assumed, and are shares of adults who travel alone."""


class Standing(StrEnum):
    """Whether a person comes as an adult alone, as a parent, or as a child with or without parents."""

    ADULT = "adult"
    PARENT = "parent"
    ACCOMPANIED_CHILD = "accompanied_child"
    UNACCOMPANIED_CHILD = "unaccompanied_child"


@dataclass(frozen=True, slots=True)
class Person:
    """One invented person, with the facts that reception asks for."""

    number: int
    standing: Standing
    sex: Sex = Sex.UNKNOWN
    given_names: str = ""
    family_names: str = ""
    birth_date: date | None = None
    """None if the person does not know it."""
    destination: str = ""
    education: Education = Education.NOT_STATED
    papers: IdentityDocumentStatus = IdentityDocumentStatus.HELD
    documents_held: tuple[DocumentKind, ...] = ()
    languages: tuple[str, ...] = ()
    access_needs: tuple[AccessNeed, ...] = ()
    flags: tuple[ProtectionFlag, ...] = ()
    avoid_places: tuple[str, ...] = ()
    household: int | None = None
    household_size: int = 1
    is_reference: bool = True
    """True for the member of a household who reports its shared needs, and for everybody who comes alone."""

    @property
    def is_child(self) -> bool:
        """True for accompanied and unaccompanied children."""
        return self.standing in {Standing.ACCOMPANIED_CHILD, Standing.UNACCOMPANIED_CHILD}


def make_people(count: int, *, sample: Demo, seed: int, today: date) -> list[Person]:
    """`count` people (at least 5) on one flight or bus; the same seed and day give the same people."""
    random = Random(seed)  # noqa: S311 - a demo's dice, no secret
    shares = sample.people
    people = _standings(count, shares, random)
    people = _sexes(people, shares, random)
    people = [_named(_aged(person, shares, random, today), shares, random) for person in people]
    people = _with_shares(people, shares, random)
    return _families_alike(_with_protection(people, sample.airport, random))


def _standings(count: int, sample: People, random: Random) -> list[Person]:
    families = max(1, round(count * sample.families_share))
    children = max(families, round(count * sample.children_in_families_share))
    people: list[Person] = []
    for household in range(families):
        own = children // families + (household < children % families)
        parents = 2 if household % 2 == 0 else 1
        size = parents + own
        for place in range(size):
            standing = Standing.PARENT if place < parents else Standing.ACCOMPANIED_CHILD
            people.append(Person(0, standing, household=household, household_size=size, is_reference=place == 0))
    alone = max(1, round(count * sample.children_alone_share))
    people += [Person(0, Standing.UNACCOMPANIED_CHILD)] * alone
    people += [Person(0, Standing.ADULT)] * (count - len(people))
    random.shuffle(people)
    return [replace(person, number=number) for number, person in enumerate(people, start=1)]


def _sexes(people: list[Person], sample: People, random: Random) -> list[Person]:
    """Assigns exactly the share of women. The first parent of each family is a woman while the share lasts."""
    women = round(len(people) * sample.women_share)
    mothers = [person.number for person in people if person.standing is Standing.PARENT and person.is_reference]
    fathers = {person.number for person in people if person.standing is Standing.PARENT and not person.is_reference}
    others = [person.number for person in people if person.number not in {*mothers, *fathers}]
    random.shuffle(others)
    female = set([*mothers, *others][:women])
    return [replace(person, sex=Sex.FEMALE if person.number in female else Sex.MALE) for person in people]


def _aged(person: Person, sample: People, random: Random, today: date) -> Person:
    if person.standing is Standing.UNACCOMPANIED_CHILD:
        years = random.randint(12, 17)
    elif person.standing is Standing.ACCOMPANIED_CHILD:
        years = random.randint(0, 11)
    elif person.standing is Standing.PARENT:
        years = random.randint(25, 45)
    else:
        ages = random.choices(sample.ages, weights=[one.weight for one in sample.ages])[0]
        years = random.randint(ages.youngest, ages.oldest)
    # The birthday is at least a week away from today, so that nobody's age changes while the demo runs.
    return replace(person, birth_date=today - timedelta(days=years * 365 + years // 4 + random.randint(10, 350)))


def _named(person: Person, sample: People, random: Random) -> Person:
    names = sample.names
    given = random.choice(names.women if person.sex is Sex.FEMALE else names.men)
    family = f"{random.choice(names.families)} {random.choice(names.families)}"
    return replace(person, given_names=given, family_names=family)


def _with_shares(people: list[Person], sample: People, random: Random) -> list[Person]:
    count = len(people)
    destinations = dealt(count, sample.destinations, random)
    educations = dealt(count, sample.education, random)
    papers = dealt(count, sample.papers, random)
    return [
        replace(
            person, destination=destination, education=education, papers=paper,
            documents_held=_documents(paper, random),
            languages=_languages(person, destination, sample.languages, random),
        )
        for person, destination, education, paper in zip(people, destinations, educations, papers, strict=True)
    ]  # fmt: skip


def _documents(papers: IdentityDocumentStatus, random: Random) -> tuple[DocumentKind, ...]:
    if papers is IdentityDocumentStatus.HELD:
        return ("identity_card",)
    return ("birth_certificate",) if random.random() < 0.3 else ()


def _languages(person: Person, destination: str, sample: Languages, random: Random) -> tuple[str, ...]:
    spoken = [sample.common]
    local = sample.local.get(destination)
    if local and random.random() < sample.local_share:
        first = random.choice(local)
        spoken = [first] if random.random() < sample.without_common_share else [first, sample.common]
    for language, share in sample.others.items():
        if not person.is_child and sample.common in spoken and random.random() < share:
            spoken.append(language)
    return tuple(spoken)


def _with_protection(people: list[Person], airport: str, random: Random) -> list[Person]:
    adults = [person for person in people if person.standing is Standing.ADULT]
    wheelchairs = {person.number for person in some(adults, WHEELCHAIR_SHARE, random)}
    afraid = {person.number for person in some(adults, FEARING_SHARE, random)}
    # At least one, so that the demo can show how an age is decided.
    alone = [person for person in adults if person.household is None] or adults
    ageless = {person.number for person in some(adults, AGELESS_SHARE, random)} or {alone[0].number}
    marked = []
    for person in people:
        if person.standing is Standing.UNACCOMPANIED_CHILD:
            person = replace(person, flags=(ProtectionFlag.UNACCOMPANIED_CHILD,))
        if person.number in wheelchairs:
            person = replace(person, access_needs=(AccessNeed.WHEELCHAIR,))
        if person.number in afraid and person.destination != airport:
            person = replace(person, flags=(ProtectionFlag.FEARS_RETURN,), avoid_places=(person.destination,))
        if person.number in ageless:
            person = replace(person, birth_date=None)
        marked.append(person)
    return marked


def _families_alike(people: list[Person]) -> list[Person]:
    """Gives a family the same family name, destination and languages; children with parents have no identity card."""
    heads = {person.household: person for person in people if person.household is not None and person.is_reference}
    shared = []
    for person in people:
        head = heads.get(person.household) if person.household is not None else None
        if head is not None:
            person = replace(person, family_names=head.family_names, destination=head.destination,
                             languages=head.languages)  # fmt: skip
        if person.standing is Standing.ACCOMPANIED_CHILD:
            person = replace(person, papers=IdentityDocumentStatus.NEVER_APPLIED, documents_held=())
        shared.append(person)
    return shared
