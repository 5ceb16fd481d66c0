"""The part of `routing.yaml` about categories and kinds of need."""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator

from libs.chassis.yaml_files import PackPart
from libs.events.codes import Urgency
from libs.taxonomy.model import Taxonomy
from libs.taxonomy.questions import Code
from services.referral.pack.clocks import OfferClock, OwnerClock, ProviderWait, Seconds, Wait

Desk = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")]


class CategoryPolicy(PackPart):
    """The policy for one category of need, and for its kinds unless `KindPolicy` says otherwise."""

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


class KindPolicy(PackPart):
    """What differs for one kind of need from the policy of its category. Tables replace those of the category."""

    lead_desk: Desk | None = None
    distance_from: Annotated[str, Field(pattern=r"^(reception|destination)$")] | None = None
    distance_limit_km: Annotated[float, Field(gt=0)] | None = None
    held_ahead: bool | None = None
    rings_km: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    clocks: dict[Urgency, OfferClock] | None = None
    route_within: dict[Urgency, Seconds] | None = None
    start_clocks: dict[Urgency, Wait] | None = None
    report_clocks: dict[Urgency, Wait] | None = None
    waitlist_within: dict[Urgency, Seconds] | None = None
    working_hours: frozenset[ProviderWait] | None = None
    owner_clocks: dict[Urgency, OwnerClock] | None = None
    completion: list[Code] | None = None
    """The facts that a completion states; None: those of the taxonomy."""


def kind_faults(kind: str, differs: KindPolicy, taxonomy: Taxonomy) -> Iterator[str]:
    """What is wrong with the policy of one kind."""
    if kind not in taxonomy.kinds:
        yield "is not a kind of taxonomy.yaml"
    for fact in differs.completion or ():
        if fact not in taxonomy.facts:
            yield f"completion: {fact} is not a fact of taxonomy.yaml"
    rings = list(differs.rings_km or ())
    if rings != sorted(set(rings)):
        yield "rings_km must ascend"
    tables = (
        differs.clocks, differs.route_within, differs.start_clocks, differs.report_clocks, differs.waitlist_within,
        differs.owner_clocks,
    )  # fmt: skip
    for table in tables:
        missing = set() if table is None else set(Urgency) - set(table)
        if missing:
            yield f"no value for urgency {sorted(missing)}"
