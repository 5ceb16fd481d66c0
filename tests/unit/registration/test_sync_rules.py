"""Which of two changes counts, and what the times of a device mean; the example of the page is one that is taken."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.people_codes import AgeGroup
from services.registration.sync.rules import (
    CLOCK_SLACK,
    KEEP_DAYS,
    SAFETY,
    TAKEN_DAYS,
    Change,
    Made,
    Verdict,
    corrected,
    in_order,
    is_more_careful,
    moved,
    offset_of,
    shift_of,
    united,
    verdict,
)
from services.registration.sync.schemas import OPERATION, SyncBody

AT = datetime(2026, 3, 2, 19, 40, tzinfo=UTC)
DEVICE, OTHER = uuid4(), uuid4()
SPANS = st.timedeltas(min_value=timedelta(days=-500), max_value=timedelta(days=500))
PAGE = Path(__file__).resolve().parents[3] / "docs" / "offline.md"


def made(*, after=timedelta(0), base=None, device=DEVICE):
    return Made(AT + after, device, base)


@given(after=SPANS, by=st.sampled_from([None, OTHER]), field=st.sampled_from(sorted(SAFETY)))
def test_no_clock_decides_about_safety(after, by, field):
    last = Change(3, AT, by)
    assert verdict(field, told=["a"], stored=["b"], last=last, made=made(after=after, base=2)) is Verdict.CONFLICT


@given(after=SPANS)
def test_of_two_ordinary_changes_the_later_counts(after):
    found = verdict("/profile/destination", told="a", stored="b", last=Change(3, AT, None), made=made(after=after))
    assert found is (Verdict.OVERWRITE if after > timedelta(0) else Verdict.SUPERSEDED)


@given(after=SPANS)
def test_what_the_device_had_read_is_no_question_of_clocks(after):
    last = Change(3, AT, None)
    for field in ("/profile/destination", "/profile/protection_flags"):
        assert verdict(field, told=["a"], stored=["b"], last=last, made=made(after=after, base=3)) is Verdict.APPLY


def test_equal_values_are_no_conflict_in_whatever_order():
    last = Change(3, AT, None)
    told, stored = ["a", "b"], ["b", "a"]
    assert verdict("/profile/protection_flags", told=told, stored=stored, last=last, made=made()) is Verdict.SAME


@given(clock=SPANS, ago=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=40)))
def test_a_wrong_clock_says_the_right_time_once_it_is_compared(clock, ago):
    offset = offset_of(AT + clock, received_at=AT)
    assert corrected(AT + clock - ago, by=offset, at=AT) == AT - ago


@given(clock=SPANS, ahead=SPANS)
def test_no_time_of_a_device_is_in_the_future(clock, ahead):
    assert corrected(AT + ahead, by=offset_of(AT + clock, received_at=AT), at=AT) <= AT


@given(way=st.timedeltas(min_value=timedelta(0), max_value=timedelta(seconds=119)))
def test_the_way_of_a_request_moves_no_time_in_the_data(way):
    assert shift_of(offset_of(AT - way, received_at=AT)) == timedelta(0)


def test_a_time_that_is_far_ahead_is_left_to_the_rules_of_the_action():
    assert moved(AT + CLOCK_SLACK, by=timedelta(0), at=AT) == AT
    assert moved(AT + timedelta(days=300), by=timedelta(0), at=AT) == AT + timedelta(days=300)


def test_the_time_of_a_device_does_not_go_back_from_one_number_to_the_next():
    back = AT - timedelta(hours=5)
    assert in_order(back, sequence=8, last_sequence=7, last_at=AT) == AT
    assert in_order(back, sequence=6, last_sequence=7, last_at=AT) == back


@pytest.mark.parametrize(
    ("told", "stored", "expected"),
    [
        (AgeGroup.CHILD, AgeGroup.ADULT, True),
        (AgeGroup.UNSURE, AgeGroup.ADULT, True),
        (AgeGroup.ADULT, AgeGroup.CHILD, False),
        (AgeGroup.UNSURE, AgeGroup.CHILD, False),
        (AgeGroup.CHILD, AgeGroup.CHILD, False),
    ],
)
def test_in_doubt_a_child(told, stored, expected):
    assert is_more_careful(told, stored) is expected


def test_of_two_lists_every_entry_stays():
    assert united(["a", "b"], ["b", "c"]) == ["a", "b", "c"]


def test_a_result_is_kept_longer_than_its_operation_may_come_again_also_after_an_erasure():
    assert KEEP_DAYS - 31 > TAKEN_DAYS >= 30


def test_the_example_of_the_page_is_taken():
    (example,) = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    body = SyncBody.model_validate(json.loads(example))
    assert [OPERATION.validate_python(one).kind for one in body.operations] == ["register", "report_need"]


def test_the_page_names_every_kind_of_operation():
    kinds = set(OPERATION.json_schema()["discriminator"]["mapping"])
    assert kinds == set(re.findall(r"^\| `([a-z_]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)) & kinds
    assert len(kinds) == 10
