"""Refusing optional consent changes no basic service (domain P3), for any person, any services and every pack."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.events.codes import AgeBand, NeedCategory, ProtectionFlag, Sex
from services.referral.candidates.choice import Market
from services.referral.candidates.interlocks import ReviewReason
from services.referral.candidates.reasons import Exclusion
from services.referral.pack.policy import RoutingPolicy, load_policy
from tests.categories import GUATEMALA
from tests.unit.referral.making_facts import NOW, a_need, a_person, a_policy, a_pool, a_service

PACKS = {name: load_policy(GUATEMALA.parent / name) for name in ("ethiopia", "guatemala", "honduras")}
BASIC = [
    pytest.param(policy, category, id=f"{name}-{category}")
    for name, policy in PACKS.items()
    for category in policy.taxonomy.categories
    if policy.taxonomy.categories[category].basic
]
people = st.builds(
    a_person,
    age_band=st.sampled_from(AgeBand),
    sex=st.sampled_from(Sex),
    protection_flags=st.frozensets(st.sampled_from(ProtectionFlag)),
    avoid_places=st.lists(st.sampled_from(["GT01", "GT12"]), max_size=1).map(tuple),
)
pools = st.lists(st.builds(a_pool, kind=st.sampled_from(["beds", "child_beds"]), free=st.integers(0, 3)), max_size=2)
eligibility = st.fixed_dictionaries(
    {"unaccompanied_children": st.booleans(), "minimum_age": st.sampled_from([None, 18])}
)


offered = st.lists(
    st.fixed_dictionaries(
        {
            "place": st.sampled_from(["GT01", "GT12"]),
            "restricted": st.booleans(),
            "pools": pools,
            "eligibility": eligibility,
        }
    ),
    max_size=4,
)


@pytest.mark.parametrize(("policy", "category"), BASIC)
@settings(max_examples=10, deadline=None)
@given(person=people, offered=offered, household_size=st.integers(1, 3), approved=st.booleans())
def test_whoever_refuses_to_share_is_offered_the_same_basic_services(
    policy: RoutingPolicy, category: NeedCategory, person, offered, household_size, approved
):
    services = [a_service(category=category, **one) for one in offered]
    refused = a_need(
        category=category,
        people=(person,),
        household_size=household_size,
        stay_together=household_size > 1,
        consented=False,
        approved_for=frozenset(ReviewReason) if approved else frozenset(),
    )
    market = Market(services, policy, NOW)
    without, with_consent = market.choose(refused), market.choose(replace(refused, consented=True))
    assert without.explanation(policy) == with_consent.explanation(policy)
    assert not any(Exclusion.NO_CONSENT in codes for codes in without.excluded.values())


def test_there_are_basic_categories_in_every_pack():
    assert len(BASIC) >= 6 * len(PACKS)


def test_in_another_category_the_consent_decides():
    """Otherwise the property above would hold in a world that asks for no consent at all."""
    policy = a_policy(categories={"training": {"basic": False}})
    market = Market([a_service(category="training")], policy, NOW)
    need = a_need(category="training", consented=False)
    assert market.choose(need).ranked == []
    assert len(market.choose(replace(need, consented=True)).ranked) == 1
