"""Invented people on a flight or a bus, with the distributions that the project's documents give (pure).

The documents give: 94 % men and 6 % women, the five departments from which most people come, levels of education, and
three reasons for being without papers (manaus-2013); the shares of accompanied and unaccompanied children and of
families (press-2025). Everything else is assumed; a comment at each figure says so. Every person is invented.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from random import Random
from typing import Final

from deploy.demo.shares import dealt, some
from libs.events.codes import AccessNeed, DocumentKind, IdentityDocumentStatus, ProtectionFlag, Sex

WOMEN_SHARE: Final = 0.06
FAMILY_SHARE: Final = 0.016
ACCOMPANIED_SHARE: Final = 0.023
UNACCOMPANIED_SHARE: Final = 0.035


class Education(StrEnum):
    """The highest level of education that a person states; half of those who were asked stated none of these."""

    NOT_STATED = "not_stated"
    ELEMENTARY = "elementary_school"
    MIDDLE = "middle_school"
    HIGH = "high_school"
    UNIVERSITY = "university"


EDUCATION: Final = {
    Education.NOT_STATED: 50,
    Education.ELEMENTARY: 20,
    Education.MIDDLE: 18,
    Education.HIGH: 11,
    Education.UNIVERSITY: 1,
}

DEPARTMENTS: Final = {
    "GT12": 22, "GT13": 20, "GT09": 13, "GT14": 13, "GT01": 12,
    "GT08": 3, "GT07": 3, "GT16": 3, "GT04": 2, "GT11": 2, "GT10": 2, "GT05": 2, "GT22": 1, "GT20": 1, "GT17": 1,
}  # fmt: skip
"""The departments to which people go home. It is given that the first five are the most common; the figures are
assumed."""

MAYAN_LANGUAGES: Final = {
    "GT12": ["mam"], "GT13": ["mam", "kjb"], "GT09": ["quc", "mam"], "GT14": ["quc", "ixl"], "GT08": ["quc"],
    "GT07": ["cak", "quc", "tzj"], "GT16": ["kek"], "GT04": ["cak"], "GT11": ["quc"], "GT10": ["quc"], "GT17": ["kek"],
}  # fmt: skip
MAYAN_SHARE, WITHOUT_SPANISH_SHARE, ENGLISH_SHARE = 0.4, 0.08, 0.2

PAPERS: Final = {
    IdentityDocumentStatus.HELD: 55,
    IdentityDocumentStatus.LEFT_ABROAD: 20,
    IdentityDocumentStatus.LOST_ON_ROUTE: 15,
    IdentityDocumentStatus.NEVER_APPLIED: 10,
}
"""The three reasons for being without papers are given; the figures are assumed."""

ADULT_AGES: Final = {(18, 24): 22, (25, 34): 33, (35, 59): 42, (60, 75): 3}
"""These figures are assumed. It is given that returnees tend to be 35 to 40 years old or older."""

MEN: Final = ["Juan", "José", "Luis", "Carlos", "Pedro", "Mateo", "Marcos", "Tomás", "Andrés", "Diego", "Miguel",
              "Santos", "Domingo", "Rigoberto", "Edgar", "Wilmer", "Elmer", "Byron", "Selvin", "Gaspar"]  # fmt: skip
WOMEN: Final = ["María", "Juana", "Ana", "Lucía", "Marta", "Petrona", "Catarina", "Dominga", "Rosa", "Elena"]
FAMILIES: Final = ["García", "López", "Ramírez", "Morales", "Pérez", "Velásquez", "Tzoc", "Chávez", "Domingo", "Ixcoy",
                   "Matías", "Bámaca", "Sis", "Ordóñez", "Fuentes", "Cux", "Raymundo", "Mejía", "Tun"]  # fmt: skip


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
    department: str = "GT01"
    education: Education = Education.NOT_STATED
    papers: IdentityDocumentStatus = IdentityDocumentStatus.HELD
    documents_held: tuple[DocumentKind, ...] = ()
    languages: tuple[str, ...] = ("spa",)
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


def make_people(count: int, *, seed: int, today: date) -> list[Person]:
    """`count` people (at least 10) on one flight or bus; the same seed and day give the same people."""
    random = Random(seed)  # noqa: S311 - a demo's dice, no secret
    people = _standings(count, random)
    people = _sexes(people, random)
    people = [_named(_aged(person, random, today), random) for person in people]
    people = _with_shares(people, random)
    return _families_alike(_with_protection(people, random))


def _standings(count: int, random: Random) -> list[Person]:
    families = max(1, round(count * FAMILY_SHARE))
    children = max(families, round(count * ACCOMPANIED_SHARE))
    people: list[Person] = []
    for household in range(families):
        own = children // families + (household < children % families)
        parents = 2 if household % 2 == 0 else 1
        size = parents + own
        for place in range(size):
            standing = Standing.PARENT if place < parents else Standing.ACCOMPANIED_CHILD
            people.append(Person(0, standing, household=household, household_size=size, is_reference=place == 0))
    alone = max(1, round(count * UNACCOMPANIED_SHARE))
    people += [Person(0, Standing.UNACCOMPANIED_CHILD)] * alone
    people += [Person(0, Standing.ADULT)] * (count - len(people))
    random.shuffle(people)
    return [replace(person, number=number) for number, person in enumerate(people, start=1)]


def _sexes(people: list[Person], random: Random) -> list[Person]:
    """Assigns exactly the share of women. The first parent of each family is a woman while the share lasts."""
    women = round(len(people) * WOMEN_SHARE)
    mothers = [person.number for person in people if person.standing is Standing.PARENT and person.is_reference]
    fathers = {person.number for person in people if person.standing is Standing.PARENT and not person.is_reference}
    others = [person.number for person in people if person.number not in {*mothers, *fathers}]
    random.shuffle(others)
    female = set([*mothers, *others][:women])
    return [replace(person, sex=Sex.FEMALE if person.number in female else Sex.MALE) for person in people]


def _aged(person: Person, random: Random, today: date) -> Person:
    if person.standing is Standing.UNACCOMPANIED_CHILD:
        years = random.randint(12, 17)
    elif person.standing is Standing.ACCOMPANIED_CHILD:
        years = random.randint(0, 11)
    elif person.standing is Standing.PARENT:
        years = random.randint(25, 45)
    else:
        youngest, oldest = random.choices(list(ADULT_AGES), weights=list(ADULT_AGES.values()))[0]
        years = random.randint(youngest, oldest)
    # The birthday is at least a week away from today, so that nobody's age changes while the demo runs.
    return replace(person, birth_date=today - timedelta(days=years * 365 + years // 4 + random.randint(10, 350)))


def _named(person: Person, random: Random) -> Person:
    given = random.choice(WOMEN if person.sex is Sex.FEMALE else MEN)
    return replace(person, given_names=given, family_names=f"{random.choice(FAMILIES)} {random.choice(FAMILIES)}")


def _with_shares(people: list[Person], random: Random) -> list[Person]:
    count = len(people)
    departments = dealt(count, DEPARTMENTS, random)
    educations = dealt(count, EDUCATION, random)
    papers = dealt(count, PAPERS, random)
    return [
        replace(
            person, department=department, education=education, papers=paper,
            documents_held=_documents(paper, random), languages=_languages(person, department, random),
        )
        for person, department, education, paper in zip(people, departments, educations, papers, strict=True)
    ]  # fmt: skip


def _documents(papers: IdentityDocumentStatus, random: Random) -> tuple[DocumentKind, ...]:
    if papers is IdentityDocumentStatus.HELD:
        return (DocumentKind.IDENTITY_CARD,)
    return (DocumentKind.BIRTH_CERTIFICATE,) if random.random() < 0.3 else ()


def _languages(person: Person, department: str, random: Random) -> tuple[str, ...]:
    """Assumed: 40 % in the highlands speak a Mayan language first, and 8 % of these no Spanish; some speak English."""
    spoken = ["spa"]
    mayan = MAYAN_LANGUAGES.get(department)
    if mayan and random.random() < MAYAN_SHARE:
        first = random.choice(mayan)
        spoken = [first] if random.random() < WITHOUT_SPANISH_SHARE else [first, "spa"]
    if not person.is_child and "spa" in spoken and random.random() < ENGLISH_SHARE:
        spoken.append("eng")
    return tuple(spoken)


def _with_protection(people: list[Person], random: Random) -> list[Person]:
    """Assumed, of adults who travel alone: 2 % use a wheelchair, 3 % fear their own department, 1 % do not know their
    age."""
    adults = [person for person in people if person.standing is Standing.ADULT]
    wheelchairs = {person.number for person in some(adults, 0.02, random)}
    afraid = {person.number for person in some(adults, 0.03, random)}
    ageless = {person.number for person in some(adults, 0.01, random)}
    marked = []
    for person in people:
        if person.standing is Standing.UNACCOMPANIED_CHILD:
            person = replace(person, flags=(ProtectionFlag.UNACCOMPANIED_CHILD,))
        if person.number in wheelchairs:
            person = replace(person, access_needs=(AccessNeed.WHEELCHAIR,))
        if person.number in afraid and person.department != "GT01":
            person = replace(person, flags=(ProtectionFlag.FEARS_RETURN,), avoid_places=(person.department,))
        if person.number in ageless:
            person = replace(person, birth_date=None)
        marked.append(person)
    return marked


def _families_alike(people: list[Person]) -> list[Person]:
    """Gives a family the same family name, department and languages; children with parents have no identity card."""
    heads = {person.household: person for person in people if person.household is not None and person.is_reference}
    shared = []
    for person in people:
        head = heads.get(person.household) if person.household is not None else None
        if head is not None:
            person = replace(person, family_names=head.family_names, department=head.department,
                             languages=head.languages)  # fmt: skip
        if person.standing is Standing.ACCOMPANIED_CHILD:
            person = replace(person, papers=IdentityDocumentStatus.NEVER_APPLIED, documents_held=())
        shared.append(person)
    return shared
