"""The part of the country pack that referral uses, as closed pydantic models: `routing.yaml`, with `taxonomy.yaml` and
`consents.yaml`, which other services use too.

A pack is data that a ministry can read and change. A mistake in it must stop the service at its start, so that it does
no harm to a person later. Durations are in seconds.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from libs.chassis.time_bounds import Tolerance
from libs.chassis.yaml_files import FaultyFileError, PackPart, open_yaml
from libs.consents.policy import ConsentPolicy, load_consents
from libs.events.codes import NeedCategory, ServiceType, TimeZoneName, Urgency
from libs.taxonomy.model import Taxonomy, load_taxonomy
from services.referral.pack.clocks import Holidays, OfferClock, OwnerClock, ProviderWait, Seconds, Wait

Weight = Annotated[float, Field(ge=0, le=100)]
Desk = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except ZoneInfoNotFoundError:
        raise ValueError("not a time zone that this installation knows") from None
    return name


TimeZone = Annotated[TimeZoneName, AfterValidator(_known_zone)]


class CompletionFact(StrEnum):
    """Facts that a completion may have to state: yes, no or a count, never a number of a document or a person."""

    DOCUMENT_ISSUED = "document_issued"
    NIGHTS_STAYED = "nights_stayed"
    CERTIFICATE_AWARDED = "certificate_awarded"


class CategoryPolicy(PackPart):
    """The policy for one category of need."""

    stage: Annotated[int, Field(ge=1, le=6)]
    """Stage of the national referral mechanism (S1, Ethiopia's design)."""
    restricted: bool = False
    """True if only restricted services may take it, after a review by a person."""
    review: bool = False
    """True if a review by a person comes before every offer."""
    lead_desk: Desk
    """The desk of the lead agency. It owns needs that no provider takes, and needs in review."""
    distance_from: Annotated[str, Field(pattern=r"^(reception|destination)$")]
    """The start of the distance to the service."""
    distance_limit_km: Annotated[float, Field(gt=0)] | None = None
    held_ahead: bool = False
    """True if places may be held before their pool begins. Useful for seats in a future course, but not for beds."""
    rings_km: tuple[Annotated[float, Field(gt=0)], ...] = ()
    """How the search widens, as ascending distances. Services beyond the first distance are asked only if no service
    within it is a candidate, and so on. After the last distance, all services within `distance_limit_km` are asked. If
    this is empty, all of them are asked from the start."""
    clocks: dict[Urgency, OfferClock]
    route_within: dict[Urgency, Seconds]
    """From the report to the first offer; then the lead desk owns the need."""
    start_clocks: dict[Urgency, Wait]
    """From acceptance to the start of the service."""
    report_clocks: dict[Urgency, Wait]
    """From the start to the outcome. For a stay with a maximum length, the alarms of the stay are used instead."""
    waitlist_within: dict[Urgency, Seconds]
    """How long a referral may wait for a place before the lead desk owns its need."""
    working_hours: frozenset[ProviderWait] = frozenset()
    """The provider's clocks that run only while its service is open, without holidays. In an emergency: none of
    them."""
    owner_clocks: dict[Urgency, OwnerClock]
    """How long an owner of such a need may give no sign of life."""

    @model_validator(mode="after")
    def _rings_ascend(self) -> Self:
        if list(self.rings_km) != sorted(set(self.rings_km)):
            raise ValueError("rings_km must ascend")
        return self

    def runs_in_working_hours(self, wait: ProviderWait, urgency: Urgency) -> bool:
        """True if this clock stops while the provider is closed. In an emergency no clock stops."""
        return wait in self.working_hours and urgency is not Urgency.EMERGENCY

    @model_validator(mode="after")
    def _every_urgency(self) -> Self:
        tables = (
            self.clocks, self.route_within, self.start_clocks, self.report_clocks, self.waitlist_within,
            self.owner_clocks,
        )  # fmt: skip
        for table in tables:
            missing = set(Urgency) - set(table)
            if missing:
                raise ValueError(f"no value for urgency {sorted(missing)}")
        return self


class StayOfType(PackPart):
    """The limits that the law or the network sets for stays at services of one type."""

    maximum: Seconds
    """The longest stay. If the service itself declares a shorter one, that applies."""
    extension_max: Annotated[float, Field(ge=0)]
    """The longest time by which a person may extend such a stay, all extensions together. 0: no extension."""


class StayPolicy(PackPart):
    """The alarms and limits of stays (domain C1-C4). The length of a stay is the service's `max_stay_hours`."""

    alarms_before_end: Annotated[list[Seconds], Field(min_length=1, max_length=10)]
    """Time from each alarm to the end, the earliest alarm first. In a stay of 72 hours, alarms after 24, 48 and 60
    hours are 48, 24 and 12 hours before the end."""
    owned_from_alarm: Annotated[int, Field(ge=1)]
    """The number of the alarm, counted from 1, from which on the lead desk owns a need whose exit plan has gaps."""
    extension_max: Annotated[float, Field(ge=0)]
    """The longest time by which a person may extend a stay, all extensions together."""
    leaving_within: Seconds
    """How long before its end a stay without a next step is on the list, if the caller gives no other time."""
    of_type: dict[ServiceType, StayOfType] = {}
    """Service types with their own limits, such as shelters for children."""

    @model_validator(mode="after")
    def _nearer_and_nearer(self) -> Self:
        if list(self.alarms_before_end) != sorted(set(self.alarms_before_end), reverse=True):
            raise ValueError("alarms_before_end must descend")
        if self.owned_from_alarm > len(self.alarms_before_end):
            raise ValueError("owned_from_alarm must name one of the alarms")
        return self


class Weights(PackPart):
    """The weight of each part of the score. Scores order candidates; they never admit or exclude one."""

    distance: Weight
    free_places: Weight
    capacity_freshness: Weight
    answer_record: Weight
    language: Weight
    same_provider: Weight
    fairness: Weight


class Rounds(PackPart):
    """The limits and times of the router's rounds."""

    batch_timeout: Seconds
    """How long the normal needs of a flight wait until its intake is complete."""
    household_timeout: Seconds
    """How long a need of a household waits until the household is complete, before the lead desk owns it."""
    offers_max: Annotated[int, Field(ge=1, le=5000)] = 1000
    """The maximum number of ready referrals in one round."""
    keep_places_for: Seconds = 3600
    """How long the free places of a pool are kept for the household at the head of a queue, if it needs more."""
    capacity_fresh_for: Seconds = 86_400
    """The age at which the freshness of a capacity figure is one half."""


class Pacing(PackPart):
    """How many non-urgent offers one service may get in a period, so that it is not overloaded after an outage."""

    offers_per_service: Annotated[int, Field(ge=1, le=10_000)]
    per_seconds: Seconds


class Search(PackPart):
    """The rules for the search for a person who could not be found."""

    attempts: Annotated[int, Field(ge=1, le=30)]
    """The number of missed attempts after which the steward becomes the owner of the need."""
    every: Seconds
    """The time from one attempt to the next."""


class Place(PackPart):
    """The centre of an area, used for distances between areas."""

    name: str
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]


class AbsenceTimes(PackPart):
    """How far the beginning and the end of an absence may be from the present time."""

    starts_at: Tolerance
    ends_at: Tolerance


class RoutingPolicy(PackPart):
    """Everything in the pack about routing."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    version: str
    timezone: TimeZone
    """The time zone of the reception. Days are counted in it for the staff."""
    steward_desk: Desk
    """The desk of the network's steward, the highest desk."""
    small_cells_below: Annotated[int, Field(ge=1, le=100)]
    """Counts of unmet needs below this number are not shown, because they could identify people in a small place."""
    child_desk: Desk
    """The desk for child protection. It decides about unknown or disputed ages, and about offers for children that are
    halted because facts have changed."""
    escalates_to: dict[Desk, Desk] = {}
    """For each desk, the desk above it. For a desk that is not named here, this is the steward."""
    categories: dict[NeedCategory, CategoryPolicy]
    taxonomy: Taxonomy
    """From `taxonomy.yaml`: the same categories, their kinds, and which of them are basic."""
    consents: ConsentPolicy
    """From `consents.yaml`, which registration uses too."""
    holidays: Holidays = Holidays()
    stays: StayPolicy
    weights: Weights
    rounds: Rounds
    search: Search
    completion_facts: dict[ServiceType, list[CompletionFact]]
    """By service type: the facts that a provider states at completion. For a type that is not named, there are none."""
    pacing: Pacing | None = None
    """None: offers are made as soon as there are places. Urgent needs and emergencies are never delayed by pacing."""
    absences: AbsenceTimes
    places: dict[str, Place]

    @model_validator(mode="after")
    def _every_category(self) -> Self:
        missing = set(NeedCategory) - set(self.categories)
        if missing:
            raise ValueError(f"no policy for {sorted(missing)}")
        return self

    @model_validator(mode="after")
    def _every_chain_ends_at_the_steward(self) -> Self:
        if self.steward_desk in self.escalates_to:
            raise ValueError("escalates_to: nobody is above the steward's desk")
        for first in self.escalates_to:
            passed, desk = {first}, self.escalates_to[first]
            while desk in self.escalates_to and desk not in passed:
                passed.add(desk)
                desk = self.escalates_to[desk]
            if desk in passed:
                raise ValueError(f"escalates_to: {first} leads round in a circle")
        return self

    def is_basic(self, category: NeedCategory) -> bool:
        """True if needs of this category are offered with a case code, without consent."""
        return self.taxonomy.categories[category].basic

    @property
    def desks(self) -> frozenset[str]:
        """Every desk that the pack names."""
        lead = {category.lead_desk for category in self.categories.values()}
        above = {*self.escalates_to, *self.escalates_to.values()}
        return frozenset(lead | above | {self.steward_desk, self.child_desk})

    def desk_above(self, desk: str) -> str | None:
        """The desk above this one, or None for the steward."""
        return None if desk == self.steward_desk else self.escalates_to.get(desk, self.steward_desk)


def load_policy(directory: Path) -> RoutingPolicy:
    """The routing policy of the pack in `directory`. Raises FaultyFileError, which names file, line and key."""
    taxonomy, file = load_taxonomy(directory), open_yaml(directory / "routing.yaml")
    policy = file.model(RoutingPolicy, consents=load_consents(directory), taxonomy=taxonomy)
    known, routed = set(taxonomy.categories), {category.value for category in policy.categories}
    if known == routed:
        return policy
    told, why = open_yaml(directory / "taxonomy.yaml"), "routing.yaml has no lead desk for its kinds"
    faults = [told.fault(("categories", one), why) for one in sorted(known - routed)]
    faults += [file.fault(("categories", one), "is not a category of taxonomy.yaml") for one in sorted(routed - known)]
    raise FaultyFileError(faults)
