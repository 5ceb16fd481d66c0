"""The referral mechanism and the desks of the country pack."""

from services.referral.pack.policy import RoutingPolicy
from services.referral.stages.schemas import DesksView, DeskView, LeadView, MechanismView, StageView


def mechanism_view(policy: RoutingPolicy) -> MechanismView:
    """The stages with their leads and categories, and the flow charts."""
    mechanism = policy.mechanism
    return MechanismView(
        country=mechanism.country,
        sample=mechanism.sample,
        stages=[
            StageView(
                stage=one.stage,
                name=one.name,
                services=one.services,
                categories=sorted(policy.categories_of(one.stage)),
                leads=[LeadView.of(lead) for lead in one.leads],
            )
            for one in mechanism.stages
        ],
        flow_charts=mechanism.flow_charts,
    )


def desks_view(policy: RoutingPolicy, mine: frozenset[str], *, restricted: bool) -> DesksView:
    """The desks, by name. Without `restricted`, a desk that leads in restricted categories only does not exist, unless
    the caller acts for it."""
    views = [_desk_view(policy, desk, mine, restricted=restricted) for desk in policy.desks]
    shown = [view for view in views if view.mine or view.categories or not policy.led_by(view.desk) or restricted]
    return DesksView(desks=sorted(shown, key=lambda view: (view.name, view.desk)))


def _desk_view(policy: RoutingPolicy, desk: str, mine: frozenset[str], *, restricted: bool) -> DeskView:
    led = policy.led_by(desk)
    return DeskView(
        desk=desk,
        name=policy.desk_names.get(desk, desk),
        stages=[stage.stage for stage in policy.stages_of(frozenset((desk,)))],
        categories=sorted(one for one in led if restricted or not policy.category(one).restricted),
        mine=desk in mine,
    )
