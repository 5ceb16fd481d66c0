"""Which facts a completion must state, and which outcome they allow. Pure.

A service that names its kinds states the facts of the kind that it gave. Any other service states those of its service
type, as the pack sets them.
"""

from collections.abc import Collection, Mapping
from typing import Final

from libs.chassis.errors import FieldError
from libs.events.codes import Outcome
from libs.events.detail_values import FactValue
from libs.taxonomy.told import fact_faults, kind_faults, unmet_facts
from services.referral.pack.policy import RoutingPolicy

DOCUMENT_ISSUED: Final = "document_issued"
"""The one fact of service types that decides about the outcome."""


def completion_faults(
    policy: RoutingPolicy,
    *,
    category: str,
    offered_kind: str | None,
    given_kind: str | None,
    service_type: str | None,
    outcome: Outcome,
    stated: Mapping[str, FactValue],
) -> list[FieldError]:
    """The errors in what a completion states: the kind that was given, its facts, and the outcome.

    `offered_kind`: the kind of the accepted offer. `given_kind`: the kind that was given instead, or after it was found
    out; None if it is the offered one.
    """
    if given_kind is not None:
        wrong = kind_faults(policy.taxonomy, given_kind, category=category, pointer="/given_kind", also_deprecated=True)
        if wrong:
            return wrong
    if outcome is Outcome.NEED_MET and None not in (given_kind, offered_kind) and given_kind != offered_kind:
        told = "Something else was given, so the outcome cannot be `need_met`"
        return [FieldError("/outcome", "something-else-given", told)]
    kind = offered_kind if given_kind is None else given_kind
    if kind is None:
        return _faults_of_type(policy, service_type, outcome=outcome, stated=stated)
    if given_kind is None and outcome is Outcome.SOMETHING_ELSE_GIVEN and not stated:
        return []
    faults = fact_faults(policy.taxonomy, policy.completion_of(kind), stated, owner="kind", pointer="/facts")
    if not faults and outcome is Outcome.NEED_MET:
        faults = [
            FieldError("/outcome", "facts-contradict", f"With this value of {fact} the need is not met")
            for fact in unmet_facts(policy.taxonomy, stated)
        ]
    return faults


def _faults_of_type(
    policy: RoutingPolicy, service_type: str | None, *, outcome: Outcome, stated: Mapping[str, FactValue]
) -> list[FieldError]:
    required: Collection[str] = () if service_type is None else policy.completion_facts.get(service_type, ())
    faults = fact_faults(policy.taxonomy, required, stated, owner="service-type", pointer="/facts")
    if outcome is Outcome.NEED_MET and stated.get(DOCUMENT_ISSUED) is False:
        told = "If no document was issued, the outcome cannot be `need_met`"
        faults.append(FieldError("/outcome", "document-not-issued", told))
    return faults
