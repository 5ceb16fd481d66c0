"""The part of the country pack that referral follows: `routing.yaml` and `consents.yaml`, as closed pydantic models.

A pack is data that a ministry can read and change; a mistake in it must stop the service at start, not a person at
the gate. Durations are in seconds.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from libs.chassis.time_bounds import Tolerance
from libs.chassis.yaml_files import PackPart, read_yaml
from libs.consents.policy import ConsentPolicy, load_consents
from libs.events.codes import NeedCategory, ServiceType, TimeZoneName, Urgency
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
    """What a completion may have to state. Yes, no or a count: never a number that names a document or a person."""

    DOCUMENT_ISSUED = "document_issued"
    NIGHTS_STAYED = "nights_stayed"
    CERTIFICATE_AWARDED = "certificate_awarded"


class CategoryPolicy(PackPart):
    """What the pack decides for one category of need."""

    stage: Annotated[int, Field(ge=1, le=6)]
    """Stage of the national referral mechanism (S1, Ethiopia's design)."""
    dimension: Annotated[str, Field(pattern=r"^(economic|social|psychosocial)$")]
    level: Annotated[str, Field(pattern=r"^(individual|community|structural)$")] = "individual"
    basic: bool
    """A basic category is offered under a case code without consent; consent then gates the packet only."""
    restricted: bool = False
    """Reached by restricted referral only, decided by a person."""
    review: bool = False
    """A person decides before anything is offered."""
    lead_desk: Desk
    """The desk of the lead agency: owner of a need that nobody takes, and of reviews."""
    distance_from: Annotated[str, Field(pattern=r"^(reception|destination)$")]
    """From where the way to the service is measured."""
    distance_limit_km: Annotated[float, Field(gt=0)] | None = None
    held_ahead: bool = False
    """True if places may be held before their pool begins: a seat of a course to come, never a bed of next week."""
    rings_km: tuple[Annotated[float, Field(gt=0)], ...] = ()
    """How the search widens: nobody beyond the first distance is asked while somebody within it may be, and so on;
    after the last one everybody within `distance_limit_km`. Ascending; empty: everybody from the start."""
    clocks: dict[Urgency, OfferClock]
    route_within: dict[Urgency, Seconds]
    """From the report to the first offer; then the lead desk owns the need."""
    start_clocks: dict[Urgency, Wait]
    """From acceptance to the start of the service."""
    report_clocks: dict[Urgency, Wait]
    """From the start to the outcome; of a stay with a maximum length its own alarms take this place."""
    waitlist_within: dict[Urgency, Seconds]
    """How long a referral may wait for a place before the lead desk owns its need."""
    working_hours: frozenset[ProviderWait] = frozenset()
    """Which of the provider's clocks run only while its service is open, holidays left out; in an emergency none."""
    owner_clocks: dict[Urgency, OwnerClock]
    """How long an owner of such a need may be silent."""

    @model_validator(mode="after")
    def _rings_ascend(self) -> Self:
        if list(self.rings_km) != sorted(set(self.rings_km)):
            raise ValueError("rings_km must ascend")
        return self

    def runs_in_working_hours(self, wait: ProviderWait, urgency: Urgency) -> bool:
        """True if this clock stands still while the provider is closed. Emergencies never wait for opening hours."""
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
    """What the law or the network says of stays at services of one type, whatever the directory says."""

    maximum: Seconds
    """The longest stay; a shorter one that the service itself declares holds."""
    extension_max: Annotated[float, Field(ge=0)]
    """By how much a person may lengthen such a stay, all extensions together; 0: never."""


class StayPolicy(PackPart):
    """How the end of a stay is watched (domain C1-C4). Its length is the service's `max_stay_hours`."""

    alarms_before_end: Annotated[list[Seconds], Field(min_length=1, max_length=10)]
    """Before the end, the earliest alarm first: 24, 48 and 60 hours into a stay of 72."""
    owned_from_alarm: Annotated[int, Field(ge=1)]
    """From which alarm on, counted from 1, the lead desk owns the need of somebody who leaves with no next step."""
    extension_max: Annotated[float, Field(ge=0)]
    """By how much a person may lengthen a stay, all extensions together."""
    leaving_within: Seconds
    """How long before its end a stay with no next step stands on the list, if the caller names no other span."""
    of_type: dict[ServiceType, StayOfType] = {}
    """Service types for which something else holds, such as shelters for children."""

    @model_validator(mode="after")
    def _nearer_and_nearer(self) -> Self:
        if list(self.alarms_before_end) != sorted(set(self.alarms_before_end), reverse=True):
            raise ValueError("alarms_before_end must descend")
        if self.owned_from_alarm > len(self.alarms_before_end):
            raise ValueError("owned_from_alarm must name one of the alarms")
        return self


class Weights(PackPart):
    """How much each part of the score counts. Scores order candidates; they never admit or exclude one."""

    distance: Weight
    free_places: Weight
    capacity_freshness: Weight
    answer_record: Weight
    language: Weight
    same_provider: Weight
    fairness: Weight


class Rounds(PackPart):
    """How the router paces itself."""

    batch_timeout: Seconds
    """How long a flight's ordinary needs wait for its intake to be complete."""
    household_timeout: Seconds
    """How long a household's need waits for its members before the lead desk owns it."""
    offers_max: Annotated[int, Field(ge=1, le=5000)] = 1000
    """Referrals placed in one round at the most."""
    keep_places_for: Seconds = 3600
    """How long the household at the head of a queue keeps a pool's free places, until there are enough for it."""
    capacity_fresh_for: Seconds = 86_400
    """Age at which a capacity figure counts as half as fresh."""


class Pacing(PackPart):
    """How fast ordinary offers may come to one service, so that nobody is stampeded when much is due at once."""

    offers_per_service: Annotated[int, Field(ge=1, le=10_000)]
    per_seconds: Seconds


class Search(PackPart):
    """How a person who could not be found is looked for."""

    attempts: Annotated[int, Field(ge=1, le=30)]
    """After so many without finding anybody the steward answers for the need."""
    every: Seconds
    """From one attempt to the next."""


class Place(PackPart):
    """A place of the pack: the centre of an area, for distances between areas."""

    name: str
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]


class AbsenceTimes(PackPart):
    """How far beginning and end of an absence may lie from our clock."""

    starts_at: Tolerance
    ends_at: Tolerance


class RoutingPolicy(PackPart):
    """All that the pack says about routing."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    version: str
    timezone: TimeZone
    """In which days are counted for people who work here: that of the reception."""
    steward_desk: Desk
    """Owner of last resort: the network's steward."""
    small_cells_below: Annotated[int, Field(ge=1, le=100)]
    """Counts of unmet needs below this are not told: few needs of a kind in a small place point at somebody."""
    child_desk: Desk
    """Decides what needs a child-protection decision: unaccompanied children, age unknown or disputed."""
    escalates_to: dict[Desk, Desk] = {}
    """By desk: the one that answers when it is silent. A desk that is not named here escalates to the steward."""
    categories: dict[NeedCategory, CategoryPolicy]
    consents: ConsentPolicy
    """From `consents.yaml`, which registration follows too."""
    holidays: Holidays = Holidays()
    stays: StayPolicy
    weights: Weights
    rounds: Rounds
    search: Search
    completion_facts: dict[ServiceType, list[CompletionFact]]
    """By service type: what a provider states when it completes. A type that is not named has to state nothing."""
    pacing: Pacing | None = None
    """None: offers are made as fast as there are places. Urgent needs and emergencies are never paced."""
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

    @property
    def desks(self) -> frozenset[str]:
        """Every desk that the pack names."""
        lead = {category.lead_desk for category in self.categories.values()}
        above = {*self.escalates_to, *self.escalates_to.values()}
        return frozenset(lead | above | {self.steward_desk, self.child_desk})

    def desk_above(self, desk: str) -> str | None:
        """Who answers when this desk is silent; None above the steward's."""
        return None if desk == self.steward_desk else self.escalates_to.get(desk, self.steward_desk)


def load_policy(directory: Path) -> RoutingPolicy:
    """The routing policy of the pack in `directory`; raises ValidationError naming the field that is wrong."""
    return RoutingPolicy.model_validate(read_yaml(directory / "routing.yaml") | {"consents": load_consents(directory)})
