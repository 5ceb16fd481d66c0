"""When a child may be released, and how long access in an emergency lasts."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from services.registration.emergencies.rules import EmergencyState, state_of
from services.registration.releases.rules import (
    Missing,
    Steps,
    earlier_step_of,
    handover_faults,
    missing_to_release,
    missing_to_sign,
    not_alone_because,
    place_faults,
)

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAYS = timedelta(days=15)
HOUR = timedelta(hours=1)


def steps(**changes):
    told = {"has_view": True, "wish": "wants_to_go", "verified_at": NOW - HOUR, "signed_at": NOW, "withdrawn_at": None}
    return Steps(**(told | changes))


@pytest.mark.parametrize(
    ("group", "flags", "lives_with_adult", "because"),
    [
        ("child", [], False, None),
        ("unsure", [], False, None),
        ("adult", ["age_disputed"], False, None),
        ("adult", [], False, "adult"),
        ("adult", ["unaccompanied_child"], False, "adult"),
        ("child", [], True, "with-an-adult"),
        ("unsure", [], True, "with-an-adult"),
        ("child", ["unaccompanied_child"], True, None),
    ],
)
def test_an_unsure_or_disputed_age_counts_as_a_childs(group, flags, lives_with_adult, because):
    assert not_alone_because(group, flags, lives_with_adult=lives_with_adult) == because


def test_only_a_release_with_every_step_is_ready():
    for has_view, is_verified, is_signed, is_withdrawn, is_old in product((True, False), repeat=5):
        told = steps(
            has_view=has_view,
            verified_at=NOW if is_verified else None,
            signed_at=(NOW - DAYS if is_old else NOW) if is_signed else None,
            withdrawn_at=NOW if is_withdrawn else None,
        )
        ready = has_view and is_verified and is_signed and not is_withdrawn and not is_old
        assert (missing_to_release(told, valid_for=DAYS, at=NOW) == []) is ready, told


def test_a_child_who_is_afraid_is_neither_signed_off_nor_released():
    afraid = steps(wish="is_afraid")
    assert missing_to_sign(afraid) == [Missing.CHILD_IS_AFRAID]
    assert missing_to_release(afraid, valid_for=DAYS, at=NOW) == [Missing.CHILD_IS_AFRAID]


def test_the_last_moment_of_a_sign_off_is_before_its_end():
    signed = steps(signed_at=NOW - DAYS)
    assert missing_to_release(signed, valid_for=DAYS, at=NOW - timedelta(seconds=1)) == []
    assert missing_to_release(signed, valid_for=DAYS, at=NOW) == [Missing.SIGN_OFF_TOO_OLD]


@pytest.mark.parametrize(("place", "is_fault"), [("GT12", True), ("GT1202", True), ("GT13", False), ("GT", True)])
def test_a_child_does_not_go_where_they_must_not_be(place, is_fault):
    assert bool(place_faults(place, avoided=["GT12"])) is is_fault


def test_a_handover_is_after_the_sign_off_and_not_in_the_future():
    told = [handover_faults(NOW + shift, signed_at=NOW, at=NOW + HOUR) for shift in (-HOUR, HOUR / 2, 2 * HOUR)]
    assert [[fault.rule for fault in faults] for faults in told] == [["after-sign-off"], [], ["not-in-future"]]


def test_the_earlier_step_of_a_caller_is_named():
    taken = [("named", "one"), ("verified", "two"), ("signed_off", None)]
    assert [earlier_step_of(who, taken) for who in ("one", "two", "three")] == ["named", "verified", None]


@pytest.mark.parametrize(
    ("decision", "asked", "ends", "state"),
    [
        (None, NOW, None, EmergencyState.WAITING),
        (None, NOW - HOUR, None, EmergencyState.LAPSED),
        ("refused", NOW, None, EmergencyState.REFUSED),
        ("approved", NOW, NOW + HOUR, EmergencyState.OPEN),
        ("approved", NOW, NOW, EmergencyState.ENDED),
    ],
)
def test_access_in_an_emergency_ends_by_itself(decision, asked, ends, state):
    assert state_of(decision, asked_at=asked, ends_at=ends, approve_within=HOUR, at=NOW) is state
