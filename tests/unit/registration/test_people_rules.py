"""Case codes, ages, and what of an identity is compared in search."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.catalogue.arrivals import AgeTold
from libs.events.codes import AgeBand
from libs.events.people_codes import AgeBasis, AgeGroup
from services.registration.people.rules import (
    CASE_CODE_ALPHABET,
    CASE_CODES,
    Age,
    age_band,
    age_faults,
    age_in_years,
    age_of,
    birth_date_is_possible,
    case_code,
    corrected_age,
    plain_document_number,
)

DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))


@given(st.integers(0, CASE_CODES - 1))
def test_a_case_code_can_be_read_aloud_and_spells_no_word(number):
    code = case_code("GT", number)
    assert re.fullmatch(r"GT-[2-9A-Z]{4}-[2-9A-Z]{4}", code)
    assert not set(code[3:]) & set("AEIOU01LSZB")


def test_case_codes_are_too_many_to_be_guessed():
    assert len(set(CASE_CODE_ALPHABET)) == len(CASE_CODE_ALPHABET)
    assert CASE_CODES > 10**11


@given(st.integers(0, CASE_CODES - 1), st.integers(0, CASE_CODES - 1))
def test_every_number_has_a_case_code_of_its_own(one, two):
    assert (case_code("GT", one) == case_code("GT", two)) == (one == two)


@pytest.mark.parametrize(
    ("years", "band"),
    [
        (0, AgeBand.UNDER_5),
        (4, AgeBand.UNDER_5),
        (5, AgeBand.FROM_5_TO_11),
        (11, AgeBand.FROM_5_TO_11),
        (12, AgeBand.FROM_12_TO_17),
        (17, AgeBand.FROM_12_TO_17),
        (18, AgeBand.FROM_18_TO_24),
        (24, AgeBand.FROM_18_TO_24),
        (25, AgeBand.FROM_25_TO_34),
        (34, AgeBand.FROM_25_TO_34),
        (35, AgeBand.FROM_35_TO_59),
        (59, AgeBand.FROM_35_TO_59),
        (60, AgeBand.FROM_60),
        (120, AgeBand.FROM_60),
    ],
)
def test_every_edge_of_the_age_bands(years, band):
    on = date(2026, 3, 2)
    assert age_band(on.replace(year=on.year - years), on=on) is band
    assert age_band(on.replace(year=on.year - years - 1) + timedelta(days=1), on=on) is band


def test_an_unknown_birth_date_stays_unknown():
    assert age_band(None, on=date(2026, 3, 2)) is AgeBand.UNKNOWN


@given(DAYS, DAYS)
def test_nobody_grows_younger(born, on):
    assert age_in_years(born, on=on) <= age_in_years(born, on=on + timedelta(days=1))


def test_who_was_born_on_a_leap_day_turns_a_year_older_on_the_first_of_march():
    assert age_in_years(date(2008, 2, 29), on=date(2026, 2, 28)) == 17
    assert age_in_years(date(2008, 2, 29), on=date(2026, 3, 1)) == 18


def test_nobody_arrives_before_birth_or_at_an_age_that_nobody_reaches():
    on = date(2026, 3, 2)
    assert birth_date_is_possible(on, on=on)
    assert not birth_date_is_possible(on + timedelta(days=1), on=on)
    assert not birth_date_is_possible(date(1890, 1, 1), on=on)


def test_document_numbers_are_compared_without_spaces_and_dashes():
    assert plain_document_number(" 1234 56789-0101a ") == "1234567890101A"


TODAY = date(2026, 3, 4)
DECIDED = datetime(2026, 3, 1, tzinfo=UTC)
A_CHILDS, AN_ADULTS = date(2015, 5, 17), date(1990, 5, 17)
CHILD, ADULT, UNSURE = AgeGroup
JUDGED = AgeBasis.STAFF_JUDGEMENT


def told(group, basis=JUDGED):
    return AgeTold(group=group, basis=basis)


@pytest.mark.parametrize(
    ("birth_date", "group", "age"),
    [
        (None, None, (AgeBand.UNKNOWN, UNSURE, None)),
        (None, ADULT, (AgeBand.UNKNOWN, ADULT, JUDGED)),
        (None, CHILD, (AgeBand.UNKNOWN, CHILD, JUDGED)),
        (A_CHILDS, None, (AgeBand.FROM_5_TO_11, CHILD, None)),
        (AN_ADULTS, ADULT, (AgeBand.FROM_35_TO_59, ADULT, JUDGED)),
        (AN_ADULTS, UNSURE, (AgeBand.UNKNOWN, UNSURE, JUDGED)),
    ],
)
def test_the_age_follows_from_the_birth_date_and_from_what_was_told(birth_date, group, age):
    assert age_of(birth_date, None if group is None else told(group), on=TODAY) == Age(*age)


def test_a_birth_date_and_a_group_that_contradict_each_other_are_both_named():
    faults = age_faults(AN_ADULTS, told(CHILD), on=TODAY)
    assert [fault.pointer for fault in faults] == ["/profile/age/group", "/identity/birth_date"]
    for birth_date, group in ((A_CHILDS, CHILD), (AN_ADULTS, UNSURE), (None, CHILD)):
        assert age_faults(birth_date, told(group), on=TODAY) == []


@pytest.mark.parametrize(
    ("stands", "birth_date", "statement", "date_is_told", "after"),
    [
        # A birth date replaces what was told at sight; without it the statement counts again.
        ((ADULT, None), A_CHILDS, None, True, (AgeBand.FROM_5_TO_11, CHILD, None)),
        ((ADULT, None), None, None, True, (AgeBand.UNKNOWN, ADULT, JUDGED)),
        ((UNSURE, None), None, ADULT, False, (AgeBand.UNKNOWN, ADULT, JUDGED)),
        # A decision stands against what agrees, and is open again after what does not.
        ((CHILD, DECIDED), A_CHILDS, None, True, (AgeBand.FROM_5_TO_11, CHILD, JUDGED, DECIDED)),
        ((CHILD, DECIDED), AN_ADULTS, None, True, (AgeBand.UNKNOWN, UNSURE, None)),
        ((CHILD, DECIDED), None, ADULT, False, (AgeBand.UNKNOWN, UNSURE, JUDGED)),
        ((CHILD, DECIDED), None, None, True, (AgeBand.UNKNOWN, CHILD, JUDGED, DECIDED)),
        # If the desk was unsure, a birth date settles it; what somebody believes to see does not.
        ((UNSURE, DECIDED), AN_ADULTS, None, True, (AgeBand.FROM_35_TO_59, ADULT, None)),
        ((UNSURE, DECIDED), None, ADULT, False, (AgeBand.UNKNOWN, UNSURE, JUDGED)),
    ],
)
def test_what_a_correction_makes_of_an_age(stands, birth_date, statement, date_is_told, after):
    group, decided_at = stands
    age, faults = corrected_age(
        Age(AgeBand.UNKNOWN, group, JUDGED, decided_at),
        birth_date=birth_date,
        told=None if statement is None else told(statement),
        date_is_told=date_is_told,
        on=TODAY,
    )
    assert (age, faults) == (Age(*after), [])
