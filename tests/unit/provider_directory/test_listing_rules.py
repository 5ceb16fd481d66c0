from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from libs.events.codes import AgeBand, PublicationStatus
from services.provider_directory import words
from services.provider_directory.listings import rules
from services.provider_directory.listings.schemas import LocationBody, ServiceBody, routing_view

OPENINGS = st.builds(
    lambda weekday, opens, length: (weekday, opens, min(opens + length, 1440)),
    st.integers(1, 7),
    st.integers(0, 1439),
    st.integers(1, 1440),
)


def _minutes(opening):
    weekday, opens, closes = opening
    return {(weekday, minute) for minute in range(opens, closes)}


def test_ages_may_change_only_between_bands():
    known = [band for band in AgeBand if band is not AgeBand.UNKNOWN]
    assert len(rules.MINIMUM_AGES) == len(known)
    assert [str(age) for age in rules.MINIMUM_AGES[1:-1]] == [band.value.split("_")[0] for band in known[1:-1]]
    assert tuple(age - 1 for age in rules.MINIMUM_AGES[1:]) == rules.MAXIMUM_AGES


@given(minimum=st.none() | st.sampled_from(rules.MINIMUM_AGES), maximum=st.none() | st.sampled_from(rules.MAXIMUM_AGES))
def test_ages_admit_somebody_or_are_refused(minimum, maximum):
    admitted = [age for age in range(121) if (minimum or 0) <= age <= (120 if maximum is None else maximum)]
    assert rules.ages_admit_anybody(minimum=minimum, maximum=maximum) == bool(admitted)


@given(st.lists(OPENINGS, max_size=6))
def test_openings_overlap_if_they_share_a_minute(openings):
    shared = sum(len(_minutes(opening)) for opening in openings) != len(set().union(*map(_minutes, openings)))
    assert rules.openings_overlap(openings) == shared


@given(opens=st.integers(-10, 1500), closes=st.integers(-10, 1500))
def test_an_opening_runs_forward_within_one_day(opens, closes):
    forward = 0 <= opens < closes <= 1440
    assert rules.is_forward(opens_minute=opens, closes_minute=closes) == forward


@pytest.mark.parametrize("name", ["America/Guatemala", "UTC", "Europe/Madrid"])
def test_time_zones_of_the_database_are_known(name):
    assert rules.is_time_zone(name)


@pytest.mark.parametrize("name", ["", "Guatemala City", "localtime", "posixrules", "/etc/passwd", "america/guatemala"])
def test_other_names_of_time_zones_are_not(name):
    assert not rules.is_time_zone(name)


def test_letters_with_accents_have_one_plain_letter_each():
    assert len(words.ACCENTED) == len(words.PLAIN) == len(set(words.ACCENTED))
    assert words.PLAIN.isascii()
    assert words.PLAIN.islower()


@pytest.mark.parametrize("claimed", [True, False])
@pytest.mark.parametrize("licensed", [True, False])
@pytest.mark.parametrize("is_admin", [True, False])
def test_a_licence_for_unaccompanied_children_is_not_claimed_by_oneself(claimed, licensed, is_admin):
    lacking = rules.lacks_licence(unaccompanied_children=claimed, licensed=licensed, is_admin=is_admin)
    assert lacking == (claimed and not licensed and not is_admin)


def _service(**changes):
    values = {
        "organization_id": uuid4(),
        "location_id": uuid4(),
        "name": "Albergue",
        "category": "shelter",
        "service_type": "temporary_shelter",
        "languages": ["spa"],
    }
    return ServiceBody.model_validate(values | changes)


LOCATION = LocationBody.model_validate(
    {
        "organization_id": uuid4(),
        "place": "GT09",
        "timezone": "America/Guatemala",
        "on_site_at": "GT12",
        "access": ["hearing"],
        "openings": [{"weekday": 1, "opens_minute": 0, "closes_minute": 60}],
    }
)
OWN = {
    "place": "GT01",
    "timezone": "UTC",
    "on_site_at": "GT01",
    "access": [],
    "openings": [],
}


@given(own=st.sets(st.sampled_from(sorted(OWN))))
def test_a_routing_view_takes_from_the_location_exactly_what_the_service_leaves_out(own):
    body = _service(**{name: OWN[name] for name in own})
    view = routing_view(body, LOCATION, service_id=uuid4(), status=PublicationStatus.ACTIVE, version=1)
    published, lent = view.model_dump(mode="json"), LOCATION.model_dump(mode="json")
    assert {name: published[name] for name in OWN} == {name: (OWN if name in own else lent)[name] for name in OWN}


@given(st.permutations(["GT13", "GT01", "GT01", "HN"]), st.permutations(["spa", "mam", "spa"]))
def test_the_order_and_the_repeats_of_codes_do_not_matter(catchment, languages):
    body = _service(catchment=catchment, languages=languages)
    assert body.catchment == ["GT01", "GT13", "HN"]
    assert body.languages == ["mam", "spa"]


def test_a_service_without_a_location_has_a_place_and_a_time_zone_of_its_own():
    for left_out in ("place", "timezone"):
        with pytest.raises(ValidationError, match="place-or-location"):
            _service(**{**OWN, "location_id": None, left_out: None})
    assert _service(**{**OWN, "location_id": None}).place == "GT01"
