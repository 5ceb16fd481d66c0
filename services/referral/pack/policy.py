"""The part of the country pack that referral uses, as closed pydantic models: `routing.yaml` and `nrm.yaml`, with
`taxonomy.yaml` and `consents.yaml`, which other services use too.

A pack is data that a ministry can read and change. A mistake in it must stop the service at its start, so that it does
no harm to a person later. Durations are in seconds.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from libs.certificates.kinds import load_required
from libs.chassis.yaml_files import FaultyFileError, PackPart, open_yaml
from libs.consents.policy import ConsentPolicy, load_consents
from libs.events.codes import NeedCategory, NeedKind, ServiceType, TimeZoneName
from libs.taxonomy.model import Taxonomy, load_taxonomy
from libs.taxonomy.policies import of_every_category
from libs.taxonomy.questions import Code
from services.referral.pack.categories import CategoryPolicy, Desk, KindPolicy, kind_faults
from services.referral.pack.clocks import Holidays
from services.referral.pack.mechanism import Fault, Mechanism, Stage, mechanism_faults
from services.referral.pack.routing import AbsenceTimes, Pacing, Place, Rounds, Search, Weights
from services.referral.pack.stays import StayPolicy


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except ZoneInfoNotFoundError:
        raise ValueError("not a time zone that this installation knows") from None
    return name


TimeZone = Annotated[TimeZoneName, AfterValidator(_known_zone)]


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
    desk_names: dict[Desk, str] = {}
    """By desk: its name for people. A desk that is not named here is shown by its code."""
    escalates_to: dict[Desk, Desk] = {}
    """For each desk, the desk above it. For a desk that is not named here, this is the desk of its co-leads in
    `nrm.yaml`, or else the steward."""
    categories: dict[NeedCategory, CategoryPolicy]
    """By category. `load_policy` adds those that the file does not name."""
    other_categories: CategoryPolicy | None = None
    """The policy of the categories that the file does not name."""
    kinds: dict[NeedKind, KindPolicy] = {}
    """What differs for a kind from the policy of its category."""
    taxonomy: Taxonomy
    """From `taxonomy.yaml`: the same categories, their kinds, and which of them are basic."""
    consents: ConsentPolicy
    """From `consents.yaml`, which registration uses too."""
    mechanism: Mechanism
    """From `nrm.yaml`: the stages, their lead agencies, and the flow charts."""
    certificates: dict[NeedCategory, Code] = {}
    """The kind of certificate that each restricted category requires of staff, from `certificates.yaml`."""
    holidays: Holidays = Holidays()
    stays: StayPolicy
    weights: Weights
    rounds: Rounds
    search: Search
    completion_facts: dict[ServiceType, list[Code]]
    """By service type: the facts of the taxonomy that a provider states at completion, if the service names no kinds.
    For a type that is not named, there are none."""
    pacing: Pacing | None = None
    """None: offers are made as soon as there are places. Urgent needs and emergencies are never delayed by pacing."""
    absences: AbsenceTimes
    places: dict[str, Place]

    @model_validator(mode="after")
    def _every_chain_ends_at_the_steward(self) -> Self:
        if self.steward_desk in self.escalates_to:
            raise ValueError("escalates_to: nobody is above the steward's desk")
        for first in self._above:
            passed, desk = {first}, self._above[first]
            while desk in self._above and desk not in passed:
                passed.add(desk)
                desk = self._above[desk]
            if desk in passed:
                raise ValueError(f"escalates_to, with the desks of co-leads: {first} leads round in a circle")
        return self

    @model_validator(mode="after")
    def _only_desks_have_names(self) -> Self:
        unknown = set(self.desk_names) - self.desks
        if unknown:
            raise ValueError(f"desk_names: no such desk: {', '.join(sorted(unknown))}")
        return self

    @cached_property
    def _above(self) -> Mapping[str, str]:
        """By desk: the desk above it, which is that of its co-leads if `escalates_to` names none."""
        return {**self.mechanism.co_lead_desks, **self.escalates_to}

    def stage_of(self, category: NeedCategory) -> int:
        """The stage of the mechanism in which needs of this category are met."""
        return self.category(category).stage

    def categories_of(self, stage: int) -> frozenset[str]:
        """The categories of a stage."""
        return frozenset(category for category, policy in self.categories.items() if policy.stage == stage)

    def stages_of(self, desks: frozenset[str]) -> list[Stage]:
        """The stages in which one of these desks leads or co-leads."""
        return [stage for stage in self.mechanism.stages if stage.desks & desks]

    def led_by(self, desk: str) -> frozenset[str]:
        """The categories in which this desk leads, for all needs or for those of a kind."""
        kinds = {self.taxonomy.kinds[kind].category for kind, one in self.kinds.items() if one.lead_desk == desk}
        return frozenset(category for category, one in self.categories.items() if one.lead_desk == desk) | kinds

    def knows(self, category: NeedCategory) -> bool:
        """False for a category of a newer or another pack. A desk decides about its needs."""
        return category in self.taxonomy.categories

    def category(self, category: NeedCategory) -> CategoryPolicy:
        """The policy of a category. One that the taxonomy lacks may be restricted, and so is treated as restricted:
        its needs go to the lead desk of the restricted categories, if the country has any."""
        return self.categories.get(category) or self._of_unknown

    @cached_property
    def _of_unknown(self) -> CategoryPolicy:
        restricted = [one for one in self.categories.values() if one.restricted]
        return next(iter([*restricted, *filter(None, [self.other_categories]), *self.categories.values()]))

    @cached_property
    def _rules(self) -> Mapping[str, CategoryPolicy]:
        """The whole policy of each kind that differs from its category."""
        whole = {}
        for kind, differs in self.kinds.items():
            told = differs.model_dump(exclude_none=True, exclude={"completion"})
            category = self.category(self.taxonomy.kinds[kind].category)
            whole[kind] = CategoryPolicy.model_validate({**category.model_dump(), **told})
        return whole

    def rules_of(self, category: NeedCategory, kind: str | None) -> CategoryPolicy:
        """The policy for needs of this kind; of the category if the kind is not known or does not differ."""
        return self.category(category) if kind is None else self._rules.get(kind) or self.category(category)

    def limits_distance(self, category: NeedCategory) -> bool:
        """True if any need of this category has a distance limit."""
        own = [self._rules[kind] for kind in self.kinds if self.taxonomy.kinds[kind].category == category]
        return any(one.distance_limit_km is not None for one in (self.category(category), *own))

    def is_basic(self, category: NeedCategory, kind: str | None = None) -> bool:
        """True if needs of this category and kind are offered with a case code, without consent."""
        if kind in self.taxonomy.kinds:
            return self.taxonomy.is_basic(kind)
        known = self.taxonomy.categories.get(category)
        return known is not None and known.basic

    def is_basic_always(self, category: NeedCategory) -> bool:
        """True if this holds for every kind of the category."""
        kinds = self.taxonomy.kinds_of.get(category, ())
        return self.is_basic(category) and all(self.taxonomy.is_basic(kind) for kind in kinds)

    def completion_of(self, kind: str) -> Sequence[str]:
        """The facts that the completion of a kind states."""
        own = self.kinds[kind].completion if kind in self.kinds else None
        return self.taxonomy.kinds[kind].completion if own is None else own

    def documents_of(self, kind: str | None) -> frozenset[str]:
        """The documents that a person must have before a need of this kind can be met."""
        known = None if kind is None else self.taxonomy.kinds.get(kind)
        return frozenset() if known is None else frozenset(known.requires)

    def requires_documents(self, category: NeedCategory) -> bool:
        """True if a kind of this category requires documents."""
        return any(self.taxonomy.kinds[kind].requires for kind in self.taxonomy.kinds_of.get(category, ()))

    @property
    def desks(self) -> frozenset[str]:
        """Every desk that the pack names."""
        lead = {one.lead_desk for one in self.categories.values()}
        lead |= {one.lead_desk for one in self.kinds.values() if one.lead_desk is not None}
        above = {*self._above, *self._above.values()}
        return frozenset(lead | above | {self.steward_desk, self.child_desk})

    def desk_above(self, desk: str) -> str | None:
        """The desk above this one, or None for the steward."""
        return None if desk == self.steward_desk else self._above.get(desk, self.steward_desk)


def load_policy(directory: Path) -> RoutingPolicy:
    """The routing policy of the pack in `directory`. Raises FaultyFileError, which names file, line and key."""
    taxonomy, file = load_taxonomy(directory), open_yaml(directory / "routing.yaml")
    stages = open_yaml(directory / "nrm.yaml")
    policy = file.model(
        RoutingPolicy,
        consents=load_consents(directory, taxonomy),
        taxonomy=taxonomy,
        mechanism=stages.model(Mechanism),
    )
    policies = of_every_category(
        policy.categories, policy.other_categories, taxonomy=taxonomy, file=file, key="categories"
    )
    faults = [
        file.fault(("kinds", kind), why)
        for kind, differs in policy.kinds.items()
        for why in kind_faults(kind, differs, taxonomy)
    ]
    faults += [
        file.fault(("completion_facts", service_type), f"{fact} is not a fact of taxonomy.yaml")
        for service_type, facts in policy.completion_facts.items()
        for fact in facts
        if fact not in taxonomy.facts
    ]
    faults += [stages.fault(keys, why) for keys, why in _faults_of_stages(policy, policies)]
    if faults:
        raise FaultyFileError(faults)
    restricted = [category for category, one in policies.items() if one.restricted]
    required = load_required(directory, restricted)
    return policy.model_copy(update={"categories": policies, "certificates": required})


def _faults_of_stages(policy: RoutingPolicy, policies: Mapping[str, CategoryPolicy]) -> Iterator[Fault]:
    desks = {category: {one.lead_desk} for category, one in policies.items()}
    for kind, differs in policy.kinds.items():
        if differs.lead_desk is not None and kind in policy.taxonomy.kinds:
            desks[policy.taxonomy.kinds[kind].category].add(differs.lead_desk)
    return mechanism_faults(
        policy.mechanism,
        stage_of={category: one.stage for category, one in policies.items()},
        desks_of=desks,
        escalates_to=policy.escalates_to,
    )
