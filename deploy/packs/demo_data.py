"""`demo.yaml` of a country pack: the invented people of a demo or a simulation, and the behaviour of its partners.

A real installation does not need the file. The demo and the simulation know nothing of a country beyond its pack.
"""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from deploy.local.clients import pack_file
from deploy.packs.directory import PlaceCode, Slug
from libs.chassis.yaml_files import PackPart, read_model
from libs.events.codes import (
    CountryCode,
    IdentityDocumentStatus,
    LanguageCode,
    NeedCategory,
    NeedKind,
    TransportMode,
    Urgency,
)
from libs.events.detail_values import ToldDetail

NAME = "demo.yaml"
Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(gt=0)]
Positive = Annotated[int, Field(ge=1)]
Hours = Annotated[float, Field(ge=0)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Names = Annotated[list[Text], Field(min_length=1)]
ClientId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")]


class Education(StrEnum):
    """The highest level of education that a person states."""

    NOT_STATED = "not_stated"
    ELEMENTARY = "elementary_school"
    MIDDLE = "middle_school"
    HIGH = "high_school"
    UNIVERSITY = "university"


class Group(StrEnum):
    """The adults among whom a need occurs."""

    EVERYBODY = "everybody"
    AWAY_FROM_AIRPORT = "away_from_airport"
    """Those whose destination is not the place where flights arrive."""
    WITHOUT_PAPERS = "without_papers"
    """Those who hold no identity document."""


class Sector(StrEnum):
    """The sectors of the report from which the simulation takes its rates (deploy/simulate/rates.py)."""

    BASIC_ASSISTANCE = "basic_assistance"
    HEALTH = "health"
    PROTECTION = "protection"
    SOCIAL_STABILITY = "social_stability"


class ArrivalPlace(PackPart):
    """Where a flight or a bus arrives."""

    place: PlaceCode
    client: ClientId
    """The reception system that registers the people."""


class Ages(PackPart):
    """A range of ages in years, both ends included."""

    youngest: Annotated[int, Field(ge=18, le=100)]
    oldest: Annotated[int, Field(ge=18, le=100)]
    weight: Weight


class Languages(PackPart):
    """The languages that people speak."""

    common: LanguageCode
    local: dict[PlaceCode, Annotated[list[LanguageCode], Field(min_length=1)]] = {}
    """By destination: the first languages other than the common one."""
    local_share: Share
    """The share of people with such a destination who speak a local language first."""
    without_common_share: Share
    """The share of these who do not speak the common language."""
    others: dict[LanguageCode, Share] = {}
    """The share of adults who also speak this language, of those who speak the common one."""


class GivenNames(PackPart):
    """Names from which those of invented people are drawn; a person has two family names."""

    men: Names
    women: Names
    families: Names


class People(PackPart):
    """The distributions of the invented people. Values are shares of all people, or weights."""

    nationality: CountryCode
    phone: Annotated[str, Field(pattern=r"^\+[0-9]{4,9}$")]
    """The beginning of an invented phone number. Six digits follow."""
    women_share: Share
    families_share: Share
    """Families per person."""
    children_in_families_share: Share
    children_alone_share: Share
    ages: Annotated[list[Ages], Field(min_length=1)]
    """Of adults who travel alone."""
    education: Annotated[dict[Education, Weight], Field(min_length=1)]
    papers: Annotated[dict[IdentityDocumentStatus, Weight], Field(min_length=1)]
    destinations: Annotated[dict[PlaceCode, Weight], Field(min_length=1)]
    languages: Languages
    names: GivenNames
    consent_texts: dict[LanguageCode, Text]
    """By language: the description of the data to which a person consents."""

    @model_validator(mode="after")
    def _consents_are_read_in_the_common_language(self) -> Self:
        if self.languages.common not in self.consent_texts:
            raise ValueError(f"consent_texts lacks the common language {self.languages.common}")
        return self


class AdultNeed(PackPart):
    """How often adults who travel alone report a need, and how urgent it is."""

    share: Share
    urgency: Urgency
    of: Group = Group.EVERYBODY
    emergency_share: Share = 0.0
    """The share of these needs that are emergencies."""
    of_all_with_access_needs: bool = False
    """True if all people with an access need report it too."""
    after: NeedCategory | None = None
    """The person's other need that has to be met first, if there is one."""


class Needs(PackPart):
    """The needs that people report at intake."""

    adults: Annotated[dict[NeedCategory, AdultNeed], Field(min_length=1)]
    child_alone: Annotated[dict[NeedCategory, Urgency], Field(min_length=1)]
    """The needs of each unaccompanied child."""
    family: Annotated[dict[NeedCategory, Urgency], Field(min_length=1)]
    """The needs of each whole family."""
    told_singly: frozenset[NeedCategory] = frozenset()
    """Those of them that each member of a family tells for themselves; the others are told once for all."""
    adult_kinds: dict[NeedCategory, dict[NeedKind, Share]] = {}
    """By category: which share of its needs names which kind. The other needs name the category alone."""
    child_kinds: dict[NeedCategory, NeedKind] = {}
    """The kinds of the needs of unaccompanied children."""
    family_kinds: dict[NeedCategory, NeedKind] = {}
    """The kinds of the needs of whole families."""
    details: dict[NeedKind, list[ToldDetail]] = {}
    """What is told about each need of a kind."""

    @model_validator(mode="after")
    def _shares(self) -> Self:
        for category, kinds in self.adult_kinds.items():
            if sum(kinds.values()) > 1.0001:
                raise ValueError(f"adult_kinds: the shares of {category} are more than 1 together")
        return self

    @property
    def categories(self) -> frozenset[NeedCategory]:
        """Every category that somebody may report."""
        return frozenset({*self.adults, *self.child_alone, *self.family})


class Partners(PackPart):
    """How organisations (by slug) and their services (by slug) behave."""

    polling: frozenset[Slug]
    """Organisations that ask for their offers regularly; the others receive webhooks."""
    never_answering: frozenset[Slug]
    """Services at which no offer is ever answered."""
    true_places: dict[Slug, Positive]
    """Services with fewer places than they declare: they accept this number of people and decline others as full."""
    often_not_eligible: dict[Slug, Share]
    """Services, and the share of offers that they decline because the person is not eligible."""
    scarce: dict[NeedCategory, Share]
    """Categories whose services declare only this share of their places, so that a queue forms."""
    quickly_done: frozenset[NeedCategory]
    """Categories in which a service is often completed at once."""
    keeping_hours: frozenset[Slug]
    """Services that keep their weekly hours in the demo. The others are always open, so that it can run at any time."""


class Scenes(PackPart):
    """The categories in which the demo causes or shows something."""

    withdrawals: Annotated[frozenset[NeedCategory], Field(min_length=1)]
    """A person withdraws consent while an offer of such a category is open. None of these may be basic."""
    shown: Annotated[list[NeedCategory], Field(min_length=2, max_length=2)]
    """The categories of two of the placements that are explained at the end."""


class Traffic(PackPart):
    """The arrivals of one day in the simulation, each as the smallest and the largest number."""

    flights_a_day: tuple[Positive, Positive]
    on_a_flight: tuple[Positive, Positive]
    by_land_a_day: Positive
    buses_a_day: tuple[Positive, Positive]
    landing_hours: tuple[Hours, Hours]
    """The hours of the day between which flights and buses arrive."""

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        for name in ("flights_a_day", "on_a_flight", "buses_a_day", "landing_hours"):
            smallest, largest = getattr(self, name)
            if smallest > largest:
                raise ValueError(f"{name} must ascend")
        return self


class Work(PackPart):
    """How providers of a category behave and work in the simulation."""

    sector: Sector
    starts: tuple[Hours, Hours]
    """The shortest and the longest time in hours from acceptance to the start."""
    lasts: tuple[Hours, Hours]
    """The shortest and the longest time in hours from the start to the end."""

    @property
    def starts_after(self) -> tuple[timedelta, timedelta]:
        """The shortest and the longest time from acceptance to the start."""
        return timedelta(hours=self.starts[0]), timedelta(hours=self.starts[1])

    @property
    def lasts_for(self) -> tuple[timedelta, timedelta]:
        """The shortest and the longest time from the start to the end."""
        return timedelta(hours=self.lasts[0]), timedelta(hours=self.lasts[1])


class Demo(PackPart):
    """The whole file."""

    sample: bool
    arrivals: dict[TransportMode, ArrivalPlace]
    people: People
    needs: Needs
    partners: Partners
    scenes: Scenes
    traffic: Traffic
    work: dict[NeedCategory, Work]
    """By category."""
    other_categories: Work | None = None
    """The work in the categories that `work` does not name."""

    def work_of(self, category: NeedCategory) -> Work:
        """How providers of this category work. The check of the pack finds categories without an entry."""
        found = self.work.get(category, self.other_categories)
        if found is None:
            raise LookupError(f"demo.yaml: no work for {category}")
        return found

    @property
    def airport(self) -> str:
        """The place where flights arrive. People who go home there need no transport."""
        return self.arrivals[TransportMode.FLIGHT].place

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if missing := {TransportMode.FLIGHT, TransportMode.BUS} - set(self.arrivals):
            raise ValueError(f"arrivals lacks {sorted(missing)}")
        return self


def load_demo(pack: Path) -> Demo:
    """The demo data of the pack in `pack`. Raises FaultyFileError, which names file, line and key."""
    return read_model(Demo, pack_file(pack, NAME))
