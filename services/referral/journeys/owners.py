"""Who answers for a need now: naming a desk, and letting it go when somebody else answers."""

from libs.events.catalogue.referral import NeedAssigned
from libs.events.codes import OwnerReason
from services.referral.journeys.facts import Need
from services.referral.journeys.work import Work
from services.referral.pack import RoutingPolicy


def assign(work: Work, need: Need, *, owner: str, reason: OwnerReason) -> None:
    """A named desk answers for the need now."""
    need.owner, need.owner_reason, need.owned_since = owner, reason, work.at
    work.change(need)
    work.record("need.assign", need, reason=reason.value)
    work.tell_of_need(NeedAssigned, need, trace=need.traceparent, owner=owner, reason=reason)


def disown(work: Work, need: Need) -> None:
    """The desk no longer answers for it: a provider does, or the need has ended."""
    if need.owner is not None:
        need.owner = need.owner_reason = need.owned_since = None
        work.change(need)


def desks(policy: RoutingPolicy) -> frozenset[str]:
    """Every desk that the country pack names."""
    lead = {category.lead_desk for category in policy.categories.values()}
    return frozenset(lead | {policy.steward_desk, policy.child_desk})
