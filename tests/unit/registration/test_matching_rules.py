"""Which candidates are compared, and which desk decides about a match."""

from uuid import UUID

import pytest

from libs.events.codes import ProtectionFlag
from services.registration.matching.loop import LONGEST_PAUSE_SECONDS, pause_after
from services.registration.matching.rules import CANDIDATES_MAX, Desk, desk_of, followed, may_decide, ordered

A, B, C, D = (UUID(int=number) for number in range(1, 5))


def test_who_shares_more_keys_is_compared_first():
    assert followed([(1, A), (1, B), (2, B), (3, B), (3, C)]) == [B, A, C]


def test_a_common_key_is_not_followed_when_a_rarer_one_leads_to_somebody():
    common = [(1, UUID(int=number)) for number in range(100, 103)]
    assert followed([*common, (2, A)], block_max=2) == [A]


def test_a_common_key_is_followed_as_far_as_a_block_goes_when_nothing_else_leads_to_anybody():
    common = [(1, A), (1, B), (1, C)]
    assert followed(common, block_max=2) == [A, B]
    assert followed([]) == []


def test_no_more_are_compared_than_the_limit():
    hits = [(number, UUID(int=number + 1)) for number in range(3 * CANDIDATES_MAX)]
    assert len(followed(hits)) == CANDIDATES_MAX


@pytest.mark.parametrize(
    ("group", "flags", "has_household", "desk"),
    [
        ("adult", [], False, None),
        ("unsure", [], False, None),
        ("child", [], True, None),
        ("child", [], False, Desk.CHILDREN),
        ("child", ["unaccompanied_child"], True, Desk.CHILDREN),
        ("unsure", ["unaccompanied_child"], False, Desk.CHILDREN),
        ("adult", ["age_disputed"], False, Desk.CHILDREN),
        ("child", ["fears_return"], False, Desk.CHILDREN),
        ("adult", ["fears_return"], False, Desk.PROTECTION),
        ("adult", ["restricted_path"], True, Desk.PROTECTION),
    ],
)
def test_the_desk_that_decides(group, flags, has_household, desk):
    assert desk_of(group, flags, has_household=has_household) is desk


@pytest.mark.parametrize("flag", ProtectionFlag)
def test_every_protection_concern_needs_a_desk(flag):
    assert desk_of("adult", [flag.value], has_household=True) is not None


@pytest.mark.parametrize(
    ("needed", "children", "protection", "may"),
    [
        ([None, None], False, False, True),
        ([None, Desk.CHILDREN], False, True, False),
        ([None, Desk.CHILDREN], True, False, True),
        ([Desk.PROTECTION, None], True, False, False),
        ([Desk.PROTECTION, Desk.CHILDREN], True, False, False),
        ([Desk.PROTECTION, Desk.CHILDREN], True, True, True),
    ],
)
def test_each_side_needs_its_desk(needed, children, protection, may):
    assert may_decide(needed, children=children, protection=protection) is may


def test_a_pair_has_one_order():
    assert ordered(B, A) == ordered(A, B) == (A, B)


def test_comparing_takes_a_tenth_of_the_time_and_never_sleeps_long() -> None:
    assert pause_after(0.02) == pytest.approx(0.18)
    assert pause_after(60.0) == LONGEST_PAUSE_SECONDS
