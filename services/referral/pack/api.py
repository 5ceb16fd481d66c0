"""The country pack as a check of what a request asks for."""

from typing import Annotated

from fastapi import Depends, Query, Request

from libs.chassis.errors import InvalidInput
from libs.events.codes import NeedCategory, NeedKind
from libs.taxonomy.told import category_faults, kind_faults
from services.referral.pack.policy import RoutingPolicy


async def _of_category(
    request: Request, category: Annotated[NeedCategory | None, Query(description="Only of this category")] = None
) -> NeedCategory | None:
    policy: RoutingPolicy = request.app.state.policy
    faults = category_faults(policy.taxonomy, category, pointer="category")
    if faults:
        raise InvalidInput(errors=faults)
    return category


async def _of_kind(
    request: Request, kind: Annotated[NeedKind | None, Query(description="Only of this kind")] = None
) -> NeedKind | None:
    policy: RoutingPolicy = request.app.state.policy
    if kind is not None:
        faults = kind_faults(policy.taxonomy, kind, category=None, pointer="kind", also_deprecated=True)
        if faults:
            raise InvalidInput(errors=faults)
    return kind


async def _of_stage(
    request: Request,
    stage: Annotated[int | None, Query(ge=1, le=6, description="Only of this stage of the referral mechanism")] = None,
) -> frozenset[str] | None:
    policy: RoutingPolicy = request.app.state.policy
    if stage is None:
        return None
    if stage not in {one.stage for one in policy.mechanism.stages}:
        raise InvalidInput("The mechanism has no such stage", pointer="stage")
    return policy.categories_of(stage)


OfStage = Annotated[frozenset[str] | None, Depends(_of_stage)]
"""The categories of the stage to which a list or a count is narrowed; None for all. InvalidInput for an unknown one."""
OfKind = Annotated[NeedKind | None, Depends(_of_kind)]
"""The kind to which a list or a count is narrowed; None for all. InvalidInput if the taxonomy lacks it."""
OfCategory = Annotated[NeedCategory | None, Depends(_of_category)]
"""The category to which a list or a count is narrowed; None for all. InvalidInput if the taxonomy lacks it."""
