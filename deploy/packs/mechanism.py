"""`nrm.yaml` of a country pack: the stages of the national referral mechanism, their lead agencies and its flow charts.

The structure is that of Ethiopia's mechanism: six stages, and one flow chart each for returnees, for vulnerable
migrants within the country and for vulnerable non-nationals (seed S1). A flow chart chooses the stages for people of
one kind.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Final

from pydantic import Field

from deploy.packs.disagreements import Disagreement
from libs.chassis.yaml_files import PackPart
from libs.events.codes import NeedCategory
from libs.events.people_codes import ClientKind

REQUIRED: Final = (ClientKind.RETURNEE, ClientKind.INTERNAL_MIGRANT, ClientKind.NON_NATIONAL)
"""The kinds of client that have a flow chart in every pack. That of the host community is optional."""
StageNumber = Annotated[int, Field(ge=1, le=6)]


class Lead(PackPart):
    """A lead agency of a stage, and its desk."""

    organization: str
    desk: str
    co_leads: list[str]


class Stage(PackPart):
    """A stage of the national referral mechanism."""

    stage: StageNumber
    name: str
    services: list[str]
    categories: list[NeedCategory]
    leads: Annotated[list[Lead], Field(min_length=1)]


class Mechanism(PackPart):
    """The whole file."""

    sample: bool
    country: str
    stages: Annotated[list[Stage], Field(min_length=1)]
    flow_charts: dict[ClientKind, Annotated[list[StageNumber], Field(min_length=1)]]
    """For each kind of client: the stages in their order."""
    other_categories: StageNumber | None = None
    """The stage of the categories that no stage names."""


def mechanism_disagreements(
    mechanism: Mechanism,
    *,
    organizations: Collection[str],
    clients: Collection[str],
    stage_of: Mapping[NeedCategory, int],
    desk_of: Mapping[NeedCategory, str],
    categories: Collection[NeedCategory],
) -> Iterator[Disagreement]:
    """What is wrong in the mechanism by itself, and what does not fit the directory, clients.yaml, routing.yaml or
    taxonomy.yaml, which has these `categories`.

    `organizations` are the slugs of the directory, `clients` the ids of the clients. `stage_of` and `desk_of` are those
    of routing.yaml.
    """
    yield from _about_the_stages(mechanism)
    yield from _about_the_flow_charts(mechanism)
    for index, stage in enumerate(mechanism.stages):
        for category in stage.categories:
            if category not in categories:
                yield Disagreement("nrm", ("stages", index, "categories"), f"{category} is not in taxonomy.yaml")
    for index, stage in enumerate(mechanism.stages):
        for number, lead in enumerate(stage.leads):
            for slug in sorted({lead.organization, *lead.co_leads} - {*organizations}):
                why = f"stage {stage.stage}: {slug} is not an organisation of directory.yaml"
                yield Disagreement("nrm", ("stages", index, "leads", number), why)
            if lead.desk not in clients:
                why = f"stage {stage.stage}: no client of clients.yaml for the desk {lead.desk}"
                yield Disagreement("nrm", ("stages", index, "leads", number, "desk"), why)
    others = [index for index, stage in enumerate(mechanism.stages) if stage.stage == mechanism.other_categories]
    named = {category: index for index, stage in enumerate(mechanism.stages) for category in stage.categories}
    at = {**{category: index for category in stage_of for index in others}, **named}
    for category, number in stage_of.items():
        its_index = at.get(category)
        its_stage = None if its_index is None else mechanism.stages[its_index]
        if its_index is None or its_stage is None or its_stage.stage != number:
            yield Disagreement("nrm", ("stages",), f"{category} must be in stage {number}, as in routing.yaml")
        elif desk_of[category] not in {lead.desk for lead in its_stage.leads}:
            why = f"stage {number}: no lead has the desk {desk_of[category]} of {category}"
            yield Disagreement("nrm", ("stages", its_index, "leads"), why)


def _about_the_stages(mechanism: Mechanism) -> Iterator[Disagreement]:
    placed: set[NeedCategory] = set()
    for index, stage in enumerate(mechanism.stages):
        if stage.stage != index + 1:
            yield Disagreement("nrm", ("stages", index, "stage"), f"must be {index + 1}: stages are numbered in order")
        for number, category in enumerate(stage.categories):
            if category in placed:
                why = f"{category} must be in one stage only"
                yield Disagreement("nrm", ("stages", index, "categories", number), why)
            placed.add(category)


def _about_the_flow_charts(mechanism: Mechanism) -> Iterator[Disagreement]:
    for kind in REQUIRED:
        if kind not in mechanism.flow_charts:
            yield Disagreement("nrm", ("flow_charts",), f"lacks a flow chart for {kind.value}")
    known = {stage.stage for stage in mechanism.stages}
    for kind, chart in mechanism.flow_charts.items():
        for index, number in enumerate(chart):
            keys = ("flow_charts", kind.value, index)
            if number not in known:
                yield Disagreement("nrm", keys, f"{number} is not a stage of this file")
            elif index and number <= chart[index - 1]:
                yield Disagreement("nrm", keys, "the stages of a flow chart must ascend")
