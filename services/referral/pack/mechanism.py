"""`nrm.yaml` of a country pack: the stages of the national referral mechanism, their lead agencies and its flow charts.

The structure is that of Ethiopia's mechanism: six stages, and one flow chart each for returnees, for vulnerable
migrants within the country and for vulnerable non-nationals (seed S1). A flow chart chooses the stages for people of
one kind.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Final

from pydantic import Field

from libs.chassis.yaml_files import PackPart
from libs.events.codes import NeedCategory
from libs.events.people_codes import ClientKind
from services.referral.pack.categories import Desk

REQUIRED: Final = (ClientKind.RETURNEE, ClientKind.INTERNAL_MIGRANT, ClientKind.NON_NATIONAL)
"""The kinds of client that have a flow chart in every pack. That of the host community is optional."""
StageNumber = Annotated[int, Field(ge=1, le=6)]


class Lead(PackPart):
    """A lead agency of a stage, its desk, and the organisations that lead with it."""

    organization: str
    desk: Desk
    co_leads: list[str]
    co_lead_desk: Desk | None = None
    """The desk of the co-leads. A need that the lead's desk leaves alone goes to it, before it goes to the steward."""


class Stage(PackPart):
    """A stage of the national referral mechanism."""

    stage: StageNumber
    name: str
    services: list[str]
    categories: list[NeedCategory]
    leads: Annotated[list[Lead], Field(min_length=1)]

    @property
    def desks(self) -> frozenset[str]:
        """The desks of its leads and co-leads."""
        return frozenset(desk for lead in self.leads for desk in (lead.desk, lead.co_lead_desk) if desk is not None)


class Mechanism(PackPart):
    """The whole file."""

    sample: bool
    country: str
    stages: Annotated[list[Stage], Field(min_length=1)]
    flow_charts: dict[ClientKind, Annotated[list[StageNumber], Field(min_length=1)]]
    """For each kind of client: the stages in their order."""
    other_categories: StageNumber | None = None
    """The stage of the categories that no stage names."""

    @cached_property
    def co_lead_desks(self) -> Mapping[str, str]:
        """By desk of a lead: the desk of its co-leads. The first lead of a desk that has one counts."""
        found: dict[str, str] = {}
        for stage in self.stages:
            for lead in stage.leads:
                if lead.co_lead_desk is not None:
                    found.setdefault(lead.desk, lead.co_lead_desk)
        return found

    def leaves_out(self, stage: int, kind: ClientKind) -> bool:
        """True if the flow chart for clients of this kind does not have the stage. A kind without a chart goes through
        every stage."""
        chart = self.flow_charts.get(kind)
        return chart is not None and stage not in chart


Fault = tuple[Sequence[str | int], str]
"""The keys of a value in nrm.yaml, and what is wrong with it."""


def mechanism_faults(mechanism: Mechanism, *, stage_of: Mapping[str, int], desks_of: Mapping[str, set[str]],
                     escalates_to: Mapping[str, str]) -> Iterator[Fault]:  # fmt: skip
    """What is wrong in the mechanism by itself, or does not fit routing.yaml.

    `stage_of`: the stage of each category by routing.yaml; `desks_of`: the lead desks of the category and of its kinds.
    """
    yield from _about_the_stages(mechanism, stage_of)
    yield from _about_the_flow_charts(mechanism)
    yield from _about_the_desks(mechanism, escalates_to)
    others = [index for index, stage in enumerate(mechanism.stages) if stage.stage == mechanism.other_categories]
    named = {category: index for index, stage in enumerate(mechanism.stages) for category in stage.categories}
    at = {**{category: index for category in stage_of for index in others}, **named}
    for category, number in stage_of.items():
        index = at.get(category)
        if index is None or mechanism.stages[index].stage != number:
            yield ("stages",), f"{category} must be in stage {number}, as in routing.yaml"
            continue
        for desk in sorted(desks_of[category] - mechanism.stages[index].desks):
            yield ("stages", index, "leads"), f"stage {number}: no lead has the desk {desk} of {category}"


def _about_the_stages(mechanism: Mechanism, known: Mapping[str, int]) -> Iterator[Fault]:
    placed: set[NeedCategory] = set()
    for index, stage in enumerate(mechanism.stages):
        if stage.stage != index + 1:
            yield ("stages", index, "stage"), f"must be {index + 1}: stages are numbered in order"
        for number, category in enumerate(stage.categories):
            if category not in known:
                yield ("stages", index, "categories"), f"{category} is not in taxonomy.yaml"
            if category in placed:
                yield ("stages", index, "categories", number), f"{category} must be in one stage only"
            placed.add(category)


def _about_the_flow_charts(mechanism: Mechanism) -> Iterator[Fault]:
    for kind in REQUIRED:
        if kind not in mechanism.flow_charts:
            yield ("flow_charts",), f"lacks a flow chart for {kind.value}"
    known = {stage.stage for stage in mechanism.stages}
    for kind, chart in mechanism.flow_charts.items():
        for index, number in enumerate(chart):
            keys = ("flow_charts", kind.value, index)
            if number not in known:
                yield keys, f"{number} is not a stage of this file"
            elif index and number <= chart[index - 1]:
                yield keys, "the stages of a flow chart must ascend"


def _about_the_desks(mechanism: Mechanism, escalates_to: Mapping[str, str]) -> Iterator[Fault]:
    for index, stage in enumerate(mechanism.stages):
        for number, lead in enumerate(stage.leads):
            keys = ("stages", index, "leads", number, "co_lead_desk")
            if lead.co_lead_desk is None:
                continue
            if not lead.co_leads:
                yield keys, "there are no co-leads"
            if lead.desk in escalates_to:
                yield keys, f"escalates_to of routing.yaml already has the desk above {lead.desk}"
            elif mechanism.co_lead_desks[lead.desk] != lead.co_lead_desk:
                yield keys, f"the co-leads of {lead.desk} have the desk {mechanism.co_lead_desks[lead.desk]} above"
