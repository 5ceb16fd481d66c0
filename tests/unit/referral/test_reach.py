"""What a need can reach: every service that the rules of kind, catchment and distance admit, and as few others as
possible."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.catalogue.directory import OfferedKind
from services.referral.candidates.choice import Market
from services.referral.candidates.kinds import REACH, kinds_served
from services.referral.candidates.reach import Reach, kind_tokens, tokens_of
from services.referral.candidates.reasons import Exclusion
from services.referral.providers.rules import reach_of
from tests.categories import TAXONOMY
from tests.unit.referral.making_facts import NOW, a_need, a_policy, a_service

POLICY = a_policy(taxonomy=TAXONOMY)
NEAR_ONLY = a_policy(taxonomy=TAXONOMY, categories={"health": {"distance_limit_km": 60}})
PLACES = ["GT01", "GT12", "GT1203", "GT13", "XX01"]
FAR = {Exclusion.CATCHMENT, Exclusion.TOO_FAR}
KINDS = [None, *TAXONOMY.kinds_of["health"]]


def gives(*kinds: str, **changes: object):
    return a_service(category="health", kinds=[OfferedKind(kind=kind) for kind in kinds], **changes)


OFFERED = st.tuples(
    st.lists(st.sampled_from(KINDS[1:]), max_size=3, unique=True),
    st.sampled_from(PLACES),
    st.lists(st.sampled_from(["GT", "GT01", "GT12", "GT1203"]), max_size=2, unique=True),
)


@given(OFFERED, st.sampled_from(KINDS), st.sampled_from([None, *PLACES]), st.booleans())
def test_a_service_is_found_exactly_if_kind_catchment_and_distance_admit_it(offered, kind, start, near_only):
    """Compared with the rules themselves. Seen to fail without the prefixes of the place, and without the stand-ins."""
    kinds, place, catchment = offered
    service, policy = gives(*kinds, place=place, catchment=catchment), NEAR_ONLY if near_only else POLICY
    need = a_need(category="health", kind=kind, reception_place=start, destination=None)
    found = not tokens_of(need, policy, PLACES).isdisjoint(reach_of(service.view))
    served = None if kind is None else policy.taxonomy.current(kind)
    excluded = Market([service], policy, NOW).choose(need).excluded.values()
    codes = {code for codes in excluded for code in codes}
    reached = served in kinds_served(service, policy.taxonomy) and FAR.isdisjoint(codes)
    assert found == reached, (reach_of(service.view), tokens_of(need, policy, PLACES))
    gives_it = not {*kind_tokens(need, policy.taxonomy)}.isdisjoint(reach_of(service.view))
    assert gives_it == (served in kinds_served(service, policy.taxonomy))


def test_only_what_a_need_can_reach_is_considered_and_the_rest_is_counted():
    near, far = gives("prosthesis"), gives("prosthesis", catchment=["GT13"])
    need = a_need(category="health", kind="prosthesis", reception_place="GT01")
    key = near.view.provider_service_id
    decision = Market([near, far], POLICY, NOW).choose(need, Reach({key}, 7, gives_elsewhere=False))
    assert [one.service for one in decision.ranked] == [near]
    assert (decision.excluded, decision.of_other_kinds) == ({}, 6)


@pytest.mark.parametrize(
    ("count", "elsewhere", "lacking"),
    [(0, False, None), (4, False, Exclusion.KIND_NOT_OFFERED), (4, True, None)],
)
def test_a_kind_is_lacking_only_if_nobody_in_the_country_gives_it(count, elsewhere, lacking):
    need = a_need(category="health", kind="prosthesis")
    decision = Market([], POLICY, NOW).choose(need, Reach((), count, gives_elsewhere=elsewhere))
    assert decision.lacking == lacking


def test_every_rule_about_reach_but_that_of_the_place_of_reception_narrows_what_is_read():
    assert REACH - {Exclusion.CATCHMENT, Exclusion.TOO_FAR} == {Exclusion.NOT_PRESENT_HERE}


def test_needs_that_are_alike_have_the_same_tokens():
    one = a_need(category="health", kind="prosthesis", reception_place="GT01")
    for urgency, count in product(("urgent", "normal"), (1, 3)):
        assert tokens_of(replace(one, urgency=urgency, people_count=count), POLICY, PLACES) == tokens_of(
            one, POLICY, PLACES
        )
