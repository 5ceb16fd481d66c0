"""`taxonomy.yaml` of the country pack, as closed models: what people may need, on two levels (DESIGN 1 and 3).

A category (shelter, documents) contains kinds (a bed for the night, an identity card). Every service reads this one
file through these models, so that a need means the same from intake to outcome. A service does not start if the file
has an error. Codes are data: no enum, constraint or migration names a kind.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from libs.chassis.yaml_files import FaultyFileError, PackPart, open_yaml
from libs.events.codes import CountryCode
from libs.taxonomy.questions import Code, Fact, Labels, Language, Question

_Definition = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
Definitions = Annotated[dict[Language, _Definition], Field(min_length=1)]
OpenEligibilityId = Annotated[int, Field(ge=1101, le=1390)]
"""The id of a service in the Open Eligibility taxonomy, version 2.0."""


class Dimension(StrEnum):
    """The dimension of reintegration to which a need belongs (seed S1)."""

    ECONOMIC = "economic"
    SOCIAL = "social"
    PSYCHOSOCIAL = "psychosocial"


class Level(StrEnum):
    """The level at which a need is met (seed S1)."""

    INDIVIDUAL = "individual"
    COMMUNITY = "community"
    STRUCTURAL = "structural"


class Unit(StrEnum):
    """What one delivery of a kind is counted in."""

    NIGHT = "night"
    MEAL = "meal"
    ITEM = "item"
    CONSULTATION = "consultation"
    SESSION = "session"
    DOCUMENT = "document"
    TICKET = "ticket"
    JOURNEY = "journey"
    CALL = "call"
    COURSE = "course"
    JOB = "job"
    PAYMENT = "payment"
    CASE = "case"


SHARED: Final = frozenset({Unit.NIGHT, Unit.JOURNEY})
"""What is counted in these units, people get together: they sleep at one place, or travel together."""


class Category(PackPart):
    """The upper level: what organisations are accredited for, and what consents, clocks and lead desks are set for."""

    label: Labels
    definition: Definitions
    dimension: Dimension
    level: Level = Level.INDIVIDUAL
    basic: bool
    """True for a basic category: it is offered with a case code, without consent. Only the packet requires consent."""
    whole_household: bool = False
    """True if a household that stays together is never split in this category, as with shelter."""
    together: bool = False
    """True if the members of such a household go to the same service with needs of one kind, also if each of them has
    told it for themselves, as with transport. A category with `whole_household` is always such a category."""
    child_licence: bool = False
    """True if an organisation that is accredited for it may declare that it takes unaccompanied children."""
    open_eligibility: OpenEligibilityId | None = None


class Kind(PackPart):
    """The lower level: exactly what is needed, and by what it is seen that it was given."""

    category: Code
    label: Labels
    definition: Definitions
    unit: Unit
    dimension: Dimension | None = None
    level: Level | None = None
    basic: bool | None = None
    together: bool | None = None
    """None for these four: as the category."""
    details: tuple[Code, ...] = ()
    """The details that a need of this kind may have."""
    completion: tuple[Code, ...] = ()
    """The facts that its completion states."""
    yields: tuple[Code, ...] = ()
    """The documents and the like that the person has after it."""
    requires: tuple[Code, ...] = ()
    """The documents and the like that the person must have before it."""
    instead_of: tuple[Code, ...] = ()
    """Kinds of the same category for which this one may be offered if nothing better is found. The offer says so."""
    triage: bool = False
    """True if services of this kind also take needs of which only the category is known, and find out what is
    needed."""
    open_eligibility: OpenEligibilityId | None = None
    deprecated_by: Code | None = None
    """The kind to tell instead. A deprecated kind is refused in new needs; old needs keep it."""


class Taxonomy(PackPart):
    """The whole file."""

    country: CountryCode
    version: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,39}$")]
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    """Every label and definition is in each of these. The first is used where a reader asks for another one."""
    documents: dict[Code, Labels]
    """What a person may have: documents, and the like of them, such as a bank account."""
    details: dict[Code, Question]
    facts: dict[Code, Fact]
    categories: Annotated[dict[Code, Category], Field(min_length=1)]
    kinds: Annotated[dict[Code, Kind], Field(min_length=1)]

    @cached_property
    def kinds_of(self) -> Mapping[str, tuple[str, ...]]:
        """The kinds of each category that new needs may name, in the order of the file."""
        return {
            category: tuple(
                code for code, kind in self.kinds.items() if kind.category == category and kind.deprecated_by is None
            )
            for category in self.categories
        }

    def current(self, kind: str) -> str:
        """The kind, or the kind to tell instead if it is deprecated. A kind that this file does not have is kept."""
        known = self.kinds.get(kind)
        return kind if known is None or known.deprecated_by is None else known.deprecated_by

    def dimension_of(self, kind: str) -> Dimension:
        """The dimension of a kind: its own, else that of its category."""
        own = self.kinds[kind].dimension
        return self.categories[self.kinds[kind].category].dimension if own is None else own

    def level_of(self, kind: str) -> Level:
        """The level of a kind: its own, else that of its category."""
        own = self.kinds[kind].level
        return self.categories[self.kinds[kind].category].level if own is None else own

    def keeps_together(self, category: str, kind: str | None) -> bool:
        """True if a household that stays together goes to one service with its needs of this kind."""
        known, of = self.kinds.get(kind or ""), self.categories.get(category)
        if known is not None and known.together is not None:
            return known.together
        return of is not None and (of.together or of.whole_household)

    def shares_place(self, category: str, kind: str | None) -> bool:
        """True if people with needs of this kind are at one place for a longer time: they sleep or travel there. If the
        kind is not known, one such kind of the category is enough."""
        known, of = self.kinds.get(kind or ""), self.categories.get(category)
        units = [self.kinds[one].unit for one in self.kinds_of.get(category, ())] if known is None else [known.unit]
        return (of is not None and of.whole_household) or not SHARED.isdisjoint(units)

    def is_basic(self, kind: str) -> bool:
        """True if a need of this kind is offered with a case code, without consent."""
        own = self.kinds[kind].basic
        return self.categories[self.kinds[kind].category].basic if own is None else own


def load_taxonomy(directory: Path) -> Taxonomy:
    """The taxonomy of the pack in `directory`. Raises FaultyFileError, which names file, line and key."""
    file = open_yaml(directory / "taxonomy.yaml")
    taxonomy = file.model(Taxonomy)
    faults = [file.fault(keys, why) for keys, why in _faults(taxonomy)]
    if faults:
        raise FaultyFileError(faults)
    return taxonomy


_Found = tuple[Sequence[str | int], str]


def _faults(taxonomy: Taxonomy) -> Iterator[_Found]:
    yield from _missing_languages(taxonomy)
    yield from _unknown_codes(taxonomy)
    yield from _circles(taxonomy)
    for category, kinds in taxonomy.kinds_of.items():
        if not kinds:
            yield ("categories", category), "no kind belongs to it"


def _missing_languages(taxonomy: Taxonomy) -> Iterator[_Found]:
    for keys, texts in _texts(taxonomy):
        for language in taxonomy.languages:
            if language not in texts:
                yield keys, f"lacks the language {language}"


def _texts(taxonomy: Taxonomy) -> Iterator[tuple[Sequence[str | int], Mapping[str, str]]]:
    for code, labels in taxonomy.documents.items():
        yield ("documents", code), labels
    for part, questions in (("details", taxonomy.details), ("facts", taxonomy.facts)):
        for code, question in questions.items():
            yield (part, code, "label"), question.label
            for value, labels in question.values.items():
                yield (part, code, "values", value), labels
    for part, entries in (("categories", taxonomy.categories), ("kinds", taxonomy.kinds)):
        for code, entry in entries.items():
            yield (part, code, "label"), entry.label
            yield (part, code, "definition"), entry.definition


def _unknown_codes(taxonomy: Taxonomy) -> Iterator[_Found]:
    for code, kind in taxonomy.kinds.items():
        if kind.category not in taxonomy.categories:
            yield ("kinds", code, "category"), f"{kind.category} is not a category of this file"
        named: dict[str, tuple[Sequence[str], Collection[str]]] = {
            "details": (kind.details, taxonomy.details),
            "completion": (kind.completion, taxonomy.facts),
            "yields": (kind.yields, taxonomy.documents),
            "requires": (kind.requires, taxonomy.documents),
            "instead_of": (kind.instead_of, taxonomy.kinds),
        }
        for name, (codes, known) in named.items():
            for number, one in enumerate(codes):
                if one not in known:
                    yield ("kinds", code, name, number), f"{one} is not in this file"
                elif one in codes[:number] or (name == "instead_of" and one == code):
                    yield ("kinds", code, name, number), f"{one} must not be here"
                elif name == "instead_of" and taxonomy.kinds[one].category != kind.category:
                    yield ("kinds", code, name, number), f"{one} belongs to another category"
        if kind.deprecated_by is not None:
            yield from _about_the_successor(taxonomy, code, kind.deprecated_by)


def _about_the_successor(taxonomy: Taxonomy, code: str, successor: str) -> Iterator[_Found]:
    found = taxonomy.kinds.get(successor)
    if found is None:
        yield ("kinds", code, "deprecated_by"), f"{successor} is not a kind of this file"
    elif found.deprecated_by is not None:
        yield ("kinds", code, "deprecated_by"), f"{successor} is deprecated itself"
    elif found.category != taxonomy.kinds[code].category:
        yield ("kinds", code, "deprecated_by"), f"{successor} belongs to another category"


def _circles(taxonomy: Taxonomy) -> Iterator[_Found]:
    """Documents that nobody could get, because each requires another one of them first."""
    needed: dict[str, set[str]] = {}
    for kind in taxonomy.kinds.values():
        for document in kind.yields:
            needed.setdefault(document, set()).update(kind.requires)
    try:
        TopologicalSorter(needed).prepare()
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        first = next(
            code for code, one in taxonomy.kinds.items() if circle[0] in one.yields and circle[1] in one.requires
        )
        yield ("kinds", first, "requires"), f"a circle: {' requires '.join(circle)}"
