"""Refusing to share costs no basic service: whatever else a person allows or refuses, what is basic is the same.

The rules of both services are asked, with the policies of each pack: registration's for packets, referral's for offers.
"""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.consents.policy import consent_key
from libs.events.codes import AgeBand, ConsentPurpose, RecipientClass, Sex, Urgency
from services.referral.candidates.choice import Market
from services.referral.pack.policy import load_policy
from services.registration.pack import load_pack
from tests.unit.referral.making_facts import NOW, a_need, a_person, a_pool, a_service

PACKS = Path(__file__).parents[3] / "deploy" / "packs"
POLICIES = {name: load_policy(PACKS / name) for name in ("ethiopia", "guatemala", "honduras")}
REGISTRATION = {name: load_pack(PACKS / name) for name in POLICIES}
ALL_KEYS = [consent_key(purpose, whom) for purpose, whom in product(ConsentPurpose, RecipientClass)]


def basic_categories(pack):
    return sorted(one for one in POLICIES[pack].taxonomy.categories if POLICIES[pack].is_basic(one))


def core_keys(pack):
    """The consents that the packets of basic services need. All others are optional sharing."""
    gates = [REGISTRATION[pack].consents.gate_of(category) for category in basic_categories(pack)]
    return {key for gate in gates for key in gate.keys}


@st.composite
def journeys(draw):
    """A pack, a need of a basic category, the services of the country, and everything that the person allows."""
    pack = draw(st.sampled_from(sorted(POLICIES)))
    category = draw(st.sampled_from(basic_categories(pack)))
    place = st.sampled_from(sorted(POLICIES[pack].places))
    person = st.builds(a_person, age_band=st.sampled_from(AgeBand), sex=st.sampled_from(Sex))
    pool = st.builds(a_pool, free=st.integers(0, 3))
    service = st.builds(a_service, category=st.just(category), place=place, pools=st.lists(pool, max_size=2))
    need = a_need(
        category=category,
        people=(draw(person),),
        urgency=draw(st.sampled_from(Urgency)),
        reception_place=draw(place),
        destination=draw(place),
    )
    return pack, need, draw(st.lists(service, max_size=5)), draw(st.sets(st.sampled_from(ALL_KEYS)))


def choice(pack, need, services, allowed):
    """What referral decides about a need of a person who allows this."""
    gate = POLICIES[pack].consents.gate_of(need.category)
    known = replace(need, consented=any(key in allowed for key in gate.keys))
    decision = Market(services, POLICIES[pack], NOW).choose(known)
    ranked = [(one.service.view.provider_service_id, one.score) for one in decision.ranked]
    return decision.verdict, ranked, decision.excluded


@settings(max_examples=300, deadline=None)
@given(journey=journeys())
def test_what_a_person_allows_changes_no_offer_of_a_basic_service(journey):
    pack, need, services, allowed = journey
    assert choice(pack, need, services, allowed) == choice(pack, need, services, set())


@settings(max_examples=300, deadline=None)
@given(pack=st.sampled_from(sorted(POLICIES)), allowed=st.sets(st.sampled_from(ALL_KEYS)))
def test_what_a_person_refuses_closes_no_packet_of_a_basic_service(pack, allowed):
    """Who allows only what the basic services need opens the same packets of them as who allows more."""
    consents, basic, core = REGISTRATION[pack].consents, set(basic_categories(pack)), core_keys(pack)
    assert consents.opened_by(core) & basic == consents.opened_by(core | allowed) & basic == basic


@pytest.mark.parametrize("pack", sorted(POLICIES))
def test_one_consent_opens_all_basic_services(pack):
    """A pack that asked for employers, family or statistics before a basic service would bundle them with it."""
    assert core_keys(pack) == {"referral:providers"}
