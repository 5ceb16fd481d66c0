"""The referral mechanism of the country pack."""

from services.referral.pack.policy import RoutingPolicy
from services.referral.stages.schemas import LeadView, MechanismView, StageView


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
