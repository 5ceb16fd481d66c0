"""The hard rules, the interlocks and the score, each rule seen alone, and properties over random worlds."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.catalogue.directory import Accreditation, Agreement, Opening
from libs.events.codes import (
    AccessNeed,
    AgeBand,
    ProtectionFlag,
    PublicationStatus,
    Sex,
)
from services.referral.candidates.choice import Market, Verdict
from services.referral.candidates.facts import opens_between
from services.referral.candidates.interlocks import Interlock, ReviewReason, is_unaccompanied_child, review_reason
from services.referral.candidates.reasons import Exclusion
from tests.unit.referral.making_facts import (
    NOW,
    a_need,
    a_person,
    a_policy,
    a_pool,
    a_service,
    an_organization,
)

CHILD = a_person(age_band=AgeBand.FROM_12_TO_17)
WOMAN = a_person(sex=Sex.FEMALE)
POLICY = a_policy()
APPROVED = frozenset(ReviewReason)
LICENSED = {"unaccompanied_children": True}
NO_HOUSEHOLDS = {"households": False}
CARD_FIRST = {"documents_required": ["identity_card"]}


def codes_for(need, service, policy=POLICY):
    """Why `service` is left out for `need`; empty if it is a candidate."""
    decision = Market([service], policy, NOW).choose(need)
    return set(decision.excluded.get(service.view.provider_service_id, []))


ONE_REASON = [
    (a_need(), a_service(status=PublicationStatus.SUSPENDED), Exclusion.NOT_ACTIVE),
    (a_need(), a_service(organization=an_organization(status=PublicationStatus.WITHDRAWN)), Exclusion.NOT_ACTIVE),
    (a_need(), a_service(organization=an_organization(accreditations=[])), Exclusion.NOT_ACCREDITED),
    (a_need(), a_service(organization=an_organization(agreements=[])), Exclusion.NO_AGREEMENT),
    (a_need(), a_service(eligibility={"minimum_age": 35}), Exclusion.AGE),
    (a_need(), a_service(eligibility={"maximum_age": 24}), Exclusion.AGE),
    (a_need(), a_service(eligibility={"sexes": [Sex.FEMALE]}), Exclusion.SEX),
    (a_need(), a_service(eligibility={"nationalities": ["HN"]}), Exclusion.NATIONALITY),
    (
        a_need(people=(a_person(), WOMAN), household_size=2),
        a_service(eligibility={"households": False}),
        Exclusion.HOUSEHOLD,
    ),
    (
        a_need(),
        a_service(eligibility={"documents_required": ["identity_card"]}),
        Exclusion.DOCUMENT_NEEDED_FIRST,
    ),
    (a_need(), a_service(on_site_at="GT12"), Exclusion.NOT_PRESENT_HERE),
    (a_need(reception_place=None), a_service(on_site_at="GT01"), Exclusion.NOT_PRESENT_HERE),
    (a_need(), a_service(catchment=["GT13"]), Exclusion.CATCHMENT),
    (a_need(), a_service(language_must_match=True, languages=["quc"]), Exclusion.LANGUAGE),
    (a_need(people=(a_person(access_needs=frozenset({AccessNeed.WHEELCHAIR})),)), a_service(), Exclusion.ACCESS),
    (a_need(), a_service(pools=[a_pool(free=0)]), Exclusion.NO_FREE_PLACE),
    (a_need(), a_service(pools=[]), Exclusion.NO_FREE_PLACE),
    (a_need(), a_service(restricted=True), Interlock.RESTRICTED_PATH_ONLY),
    (a_need(people=(a_person(avoid_places=("GT01",)),)), a_service(place="GT0101"), Interlock.FEARED_PLACE),
    (a_need(people=(a_person(avoid_places=("GT0101",)),)), a_service(place="GT01"), Interlock.FEARED_PLACE),
    (a_need(people=(CHILD,)), a_service(), Interlock.NOT_LICENSED_FOR_CHILDREN),
    (a_need(household_size=3, stay_together=True), a_service(), Interlock.HOUSEHOLD_WOULD_SPLIT),
]


@pytest.mark.parametrize(
    ("need", "service", "code"), ONE_REASON, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_service_is_left_out_for_exactly_this_reason(need, service, code):
    assert codes_for(need, service) == {code}


def test_a_service_open_to_everybody_is_a_candidate():
    assert codes_for(a_need(), a_service()) == set()


def test_a_service_that_declined_is_never_offered_the_need_again():
    service = a_service()
    need = a_need(refused_by={service.view.provider_service_id: "declined_before"})
    assert codes_for(need, service) == {Exclusion.DECLINED_BEFORE}


def test_a_party_on_the_do_not_share_list_is_left_out():
    service = a_service()
    person = a_person(avoid_organizations=frozenset({service.view.organization_id}))
    assert codes_for(a_need(people=(person,)), service) == {Interlock.DO_NOT_SHARE}


def test_an_authority_of_an_excluded_state_is_left_out():
    """Taken out: the states in `interlocks`; `countries` in `only_ask_for_openness`."""
    person = a_person(avoid_countries=frozenset({"US"}))
    for acts_for, expected in (("US", {Interlock.DO_NOT_SHARE}), ("MX", set()), (None, set())):
        service = a_service(organization=an_organization(acts_for=acts_for))
        assert codes_for(a_need(people=(person,)), service) == expected


def test_without_consent_only_a_basic_category_is_offered():
    policy = a_policy(categories={"training": {"basic": False}})
    course = a_service(category="training")
    assert codes_for(a_need(category="training"), course, policy) == {Exclusion.NO_CONSENT}
    assert codes_for(a_need(category="training", consented=True), course, policy) == set()
    assert codes_for(a_need(), a_service(), policy) == set()


def test_a_licence_that_ran_out_yesterday_excludes_and_one_that_ends_today_does_not():
    for until, expected in ((date(2026, 3, 3), {Exclusion.NOT_ACCREDITED}), (date(2026, 3, 4), set())):
        organization = an_organization(accreditations=[Accreditation(category="shelter", valid_until=until)])
        assert codes_for(a_need(), a_service(organization=organization)) == expected


def test_an_agreement_covers_only_its_category():
    organization = an_organization(agreements=[Agreement(category="health", valid_until=date(2027, 1, 1))])
    assert codes_for(a_need(), a_service(organization=organization)) == {Exclusion.NO_AGREEMENT}


def test_a_closed_post_is_left_out_unless_it_opens_before_the_offer_would_expire():
    noon = [Opening(weekday=3, opens_minute=12 * 60 + 30, closes_minute=13 * 60)]
    evening = [Opening(weekday=3, opens_minute=19 * 60, closes_minute=20 * 60)]
    assert codes_for(a_need(), a_service(openings=noon)) == set()
    assert codes_for(a_need(), a_service(openings=evening)) == {Exclusion.CLOSED}


def test_a_place_beyond_the_packs_limit_is_too_far():
    policy = a_policy(categories={"shelter": {"distance_limit_km": 100}})
    assert codes_for(a_need(), a_service(place="GT12"), policy) == {Exclusion.TOO_FAR}


def test_the_way_is_measured_from_the_destination_where_the_pack_says_so():
    policy = a_policy(categories={"shelter": {"distance_from": "destination"}})
    near, far = a_service(place="GT12"), a_service(place="GT01")
    assert Market([far, near], policy, NOW).choose(a_need()).chosen.service is near


def test_a_family_is_held_in_one_pool_or_not_at_all():
    family = a_need(people=(a_person(), WOMAN, CHILD), household_size=3)
    assert codes_for(family, a_service(pools=[a_pool(free=2), a_pool(free=2)])) == {Exclusion.NO_FREE_PLACE}
    assert codes_for(family, a_service(pools=[a_pool(free=2), a_pool(free=3)])) == set()


def test_beds_for_children_take_no_adult_and_beds_for_adults_no_child():
    """Nobody waits in a queue for a bed that they must not get, so it does not count as full."""
    assert codes_for(a_need(), a_service(pools=[a_pool(kind="child_beds")])) == {Exclusion.AGE}
    child = a_need(people=(CHILD,))
    assert codes_for(child, a_service(pools=[a_pool(kind="adult_beds")], eligibility=LICENSED)) == {Exclusion.AGE}
    assert codes_for(child, a_service(pools=[a_pool(kind="child_beds")], eligibility=LICENSED)) == set()


def test_holding_places_leaves_fewer_for_the_next_need():
    service = a_service(pools=[a_pool(maximum=1, free=1)])
    market = Market([service], POLICY, NOW)
    first, second = a_need(), a_need()
    decision = market.choose(first)
    market.hold(decision.chosen)
    assert market.choose(second).verdict is Verdict.WAITLIST


def test_nobody_is_left_when_no_service_of_the_category_exists():
    decision = Market([a_service(category="health")], POLICY, NOW).choose(a_need())
    assert decision.verdict is Verdict.NOBODY
    assert decision.excluded == {}


def test_the_waitlist_is_for_services_that_lack_only_a_place():
    full, closed_to_men = a_service(pools=[]), a_service(pools=[], eligibility={"sexes": [Sex.FEMALE]})
    decision = Market([full, closed_to_men], POLICY, NOW).choose(a_need())
    assert decision.verdict is Verdict.WAITLIST
    assert decision.full_services == [full.view.provider_service_id]


def test_the_explanation_names_every_service_of_the_category_and_no_person():
    chosen, other = a_service(), a_service(eligibility={"sexes": [Sex.FEMALE]})
    explanation = Market([chosen, other], POLICY, NOW).choose(a_need()).explanation(POLICY)
    assert [row["provider_service_id"] for row in explanation["ranked"]] == [str(chosen.view.provider_service_id)]
    assert explanation["excluded"] == [{"provider_service_id": str(other.view.provider_service_id), "reasons": ["sex"]}]


def test_an_unknown_age_goes_to_review_first_and_may_be_a_childs_afterwards():
    person = a_person(age_band=AgeBand.UNKNOWN)
    assert review_reason(a_need(people=(person,)), POLICY) is ReviewReason.AGE_UNRESOLVED
    assert codes_for(a_need(people=(person,), approved_for=APPROVED), a_service()) == {
        Interlock.NOT_LICENSED_FOR_CHILDREN
    }


@pytest.mark.parametrize("category", ["shelter", "anti_trafficking"])
@pytest.mark.parametrize("approved", ReviewReason)
def test_a_review_of_one_reason_settles_no_other(approved, category):
    """With one mark for all approvals whoever settles an age settles every review."""
    need = a_need(category=category, people=(a_person(age_band=AgeBand.UNKNOWN),), approved_for=frozenset({approved}))
    restricted = category == "anti_trafficking"
    after_age = ReviewReason.RESTRICTED_CATEGORY if restricted else None
    expected = after_age if approved is ReviewReason.AGE_UNRESOLVED else ReviewReason.AGE_UNRESOLVED
    assert review_reason(need, POLICY) is expected
    assert review_reason(replace(need, approved_for=APPROVED), POLICY) is None


def test_a_restricted_service_needs_a_restricted_need_and_a_persons_decision():
    shelter = a_service(category="anti_trafficking", restricted=True)
    need = a_need(category="anti_trafficking", consented=True)
    assert codes_for(need, shelter) == {Interlock.REVIEW_MISSING}
    assert codes_for(replace(need, approved_for=APPROVED), shelter) == set()


@pytest.mark.parametrize(
    ("start", "end", "is_open"),
    [(NOW, NOW + timedelta(minutes=1), True), (NOW + timedelta(hours=6), NOW + timedelta(hours=7), False)],
)
def test_openings_are_read_in_the_services_own_time_zone(start, end, is_open):
    service = a_service(openings=[Opening(weekday=3, opens_minute=11 * 60, closes_minute=13 * 60)])
    assert opens_between(service.view, start, end) is is_open


def test_an_opening_of_next_week_is_seen_from_a_long_clock():
    tuesday_only = a_service(openings=[Opening(weekday=2, opens_minute=480, closes_minute=960)])
    wednesday = datetime(2026, 3, 4, 18, tzinfo=UTC)
    assert opens_between(tuesday_only.view, wednesday, wednesday + timedelta(days=28))
    assert not opens_between(tuesday_only.view, wednesday, wednesday + timedelta(days=2))


people = st.builds(
    a_person,
    age_band=st.sampled_from(AgeBand),
    sex=st.sampled_from(Sex),
    protection_flags=st.frozensets(st.sampled_from(ProtectionFlag)),
    avoid_places=st.lists(st.sampled_from(["GT01", "GT12", "GT13", "GT1301"]), max_size=2).map(tuple),
)
pools = st.lists(
    st.builds(a_pool, kind=st.sampled_from(["beds", "child_beds", "adult_beds"]), free=st.integers(0, 4)), max_size=2
)
services = st.lists(
    st.builds(
        a_service,
        place=st.sampled_from(["GT01", "GT12", "GT13"]),
        restricted=st.booleans(),
        pools=pools,
        eligibility=st.fixed_dictionaries(
            {"unaccompanied_children": st.booleans(), "minimum_age": st.sampled_from([None, 18])}
        ),
    ),
    max_size=6,
)


@given(person=people, services=services, approved=st.booleans(), household_size=st.integers(1, 4))
def test_whatever_the_world_no_interlock_is_ever_outweighed(person, services, approved, household_size):
    need = a_need(
        people=(person,),
        approved_for=APPROVED if approved else frozenset(),
        household_size=household_size,
        stay_together=household_size > 1,
    )
    decision = Market(services, POLICY, NOW).choose(need)
    for candidate in decision.ranked:
        view = candidate.service.view
        assert not view.restricted
        assert not need.stay_together
        assert approved or not person.age_is_unresolved
        assert candidate.pool.free >= need.people_count
        assert all(not view.place.startswith(place) for place in person.avoid_places)
        if is_unaccompanied_child(person, household_size=household_size):
            assert view.eligibility.unaccompanied_children


@given(services=services, seed=st.randoms(use_true_random=False))
def test_the_order_in_which_services_are_read_does_not_matter(services, seed):
    need = a_need()
    shuffled = list(services)
    seed.shuffle(shuffled)
    ranked = [one.service.view.provider_service_id for one in Market(services, POLICY, NOW).choose(need).ranked]
    assert ranked == [one.service.view.provider_service_id for one in Market(shuffled, POLICY, NOW).choose(need).ranked]


@given(services=services)
def test_scores_lie_between_nought_and_one_and_every_service_is_accounted_for(services):
    decision = Market(services, POLICY, NOW).choose(a_need())
    assert all(0 <= one.score <= 1 for one in decision.ranked)
    assert len(decision.ranked) + len(decision.excluded) == len(services)


def test_whose_languages_nobody_asked_for_is_kept_from_no_service_by_them():
    course = a_service(languages=["spa"], language_must_match=True)
    assert codes_for(a_need(people=(a_person(languages=("mam",)),)), course) == {Exclusion.LANGUAGE}
    assert codes_for(a_need(people=(a_person(languages=()),)), course) == set()
