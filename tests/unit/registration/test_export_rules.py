"""What a de-identified export tells, what a file looks like, and what may be asked for (domain P21)."""

import csv
import io
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registration.exports.rules import (
    DECIDE_WITHIN,
    NOT_TOLD,
    Asked,
    ExportDecision,
    ExportField,
    ExportKind,
    ExportPurpose,
    ExportState,
    Facts,
    Mark,
    file_name,
    needs_cell,
    request_faults,
    state_of,
    told_of,
    told_of_block,
    written,
)

USUAL = Facts("2026-01", "GT01", "25_34", "male", "GT", "forced", "food shelter")
MARKED = Mark(UUID(int=7), "for-whom", "follow_up", date(2026, 2, 1))
TODAY = date(2026, 4, 10)
ASKED = Asked(
    ExportKind.DEIDENTIFIED, ExportPurpose.STATISTICS, date(2026, 1, 1), date(2026, 3, 31), has_recipient=False,
    has_reason=False, has_fields=False,
)  # fmt: skip
IDENTIFIED = replace(
    ASKED, kind=ExportKind.IDENTIFIED, purpose=ExportPurpose.FOLLOW_UP, has_recipient=True, has_reason=True,
    has_fields=True,
)  # fmt: skip
PEOPLE = st.builds(
    Facts, month=st.just("2026-01"), area=st.just("GT01"), age=st.sampled_from(["12_17", "25_34", "unknown"]),
    sex=st.sampled_from(["male", "female"]), nationality=st.sampled_from(["GT", "HN"]),
    return_kind=st.sampled_from(["forced", "unknown"]), needs=st.sampled_from(["", "food", "food shelter"]),
)  # fmt: skip


@given(block=st.lists(PEOPLE, max_size=60), least=st.integers(2, 7))
def test_nobody_stands_in_a_row_that_fewer_people_share_and_everybody_is_told_or_counted(block, least):
    told = told_of_block(block, least=least)
    assert all(count >= least for count in Counter(told.rows).values())
    alone = len(block) - len(told.rows)
    assert alone <= told.left_out < alone + least
    assert told.left_out % least == 0, "the exact number would tell a small one"
    assert all(facts.month == "2026-01" and facts.area == "GT01" for facts in told.rows)


def test_a_rare_row_loses_one_fact_after_the_other_until_enough_people_share_it():
    rare = [replace(USUAL, needs=f"need-{n}") for n in range(5)]
    told = told_of_block([*([USUAL] * 5), *rare], least=5)
    assert Counter(told.rows) == {USUAL: 5, replace(USUAL, needs=NOT_TOLD): 5}
    ages = [replace(USUAL, age=band) for band in ("18_24", "25_34", "35_59", "60_plus", "18_24")]
    assert {row.age for row in told_of_block(ages, least=5).rows} == {"adult"}


def test_who_is_alone_in_everything_is_left_out_and_only_a_rounded_number_says_so():
    told = told_of_block([USUAL, USUAL], least=5)
    assert (told.rows, told.left_out) == ([], 5)


@given(first=st.lists(PEOPLE, max_size=20), second=st.lists(PEOPLE, max_size=20))
def test_two_exports_that_overlap_tell_the_same_of_what_both_contain(first, second):
    later = [replace(facts, month="2026-02") for facts in second]
    one = told_of([(("GT01", "2026-01"), facts) for facts in first], least=5)
    both = [*((("GT01", "2026-01"), facts) for facts in first), *((("GT01", "2026-02"), facts) for facts in later)]
    whole, other = told_of(both, least=5), told_of_block(later, least=5)
    assert whole.rows == one.rows + other.rows
    assert whole.left_out == one.left_out + other.left_out


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "＝1+1", "－1"])
def test_a_cell_that_is_a_formula_is_written_as_text_in_every_column(cell):
    content = written(["given_names", "family_names"], [(cell, cell)], mark=replace(MARKED, recipient=cell))
    (row,) = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert (row["given_names"], row["family_names"], row["for"]) == (f"'{cell}", f"'{cell}", f"'{cell}")


def test_each_row_says_which_export_it_is_of_for_whom_what_for_and_until_when():
    content = written(["sex"], [("male",), ("female",)], mark=MARKED)
    assert content.startswith(b"\xef\xbb\xbf"), "else a spreadsheet breaks accents"
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert rows[0] == ["export", "for", "purpose", "delete_by", "sex"]
    assert {tuple(row[:4]) for row in rows[1:]} == {(str(UUID(int=7)), "for-whom", "follow_up", "2026-02-01")}
    assert "until-2026-02-01" in file_name(ExportKind.IDENTIFIED, MARKED)


def test_no_restricted_category_is_among_the_needs():
    assert needs_cell(["shelter", "gbv", "food", "food"], restricted={"gbv"}) == "food shelter"


def test_an_identified_export_cannot_name_a_need_an_answer_a_flag_or_a_contact():
    words = ("need", "answer", "flag", "contact", "phone", "address", "household", "avoid", "return")
    assert [one for one in ExportField if any(word in one for word in words)] == []


@pytest.mark.parametrize(
    ("asked", "pointer", "rule"),
    [
        (replace(ASKED, arrived_from=date(2026, 1, 2)), "/arrived_from", "whole-months"),
        (replace(ASKED, arrived_until=date(2026, 3, 30)), "/arrived_from", "whole-months"),
        (replace(ASKED, arrived_until=date(2026, 4, 30)), "/arrived_until", "month-is-over"),
        (replace(ASKED, arrived_from=date(2025, 1, 1)), "/arrived_until", "period"),
        (replace(ASKED, arrived_until=date(2025, 12, 31)), "/arrived_until", "not-before-from"),
        (replace(ASKED, purpose=ExportPurpose.FOLLOW_UP), "/purpose", "purpose-of-kind"),
        (replace(ASKED, has_recipient=True), "/recipient", "only-if-identified"),
        (replace(ASKED, has_fields=True), "/fields", "only-if-identified"),
        (replace(IDENTIFIED, purpose=ExportPurpose.STATISTICS), "/purpose", "purpose-of-kind"),
        (replace(IDENTIFIED, has_reason=False), "/reason", "required-if-identified"),
        (replace(IDENTIFIED, has_recipient=False), "/recipient", "required-if-identified"),
        (replace(IDENTIFIED, has_fields=False), "/fields", "required-if-identified"),
        (replace(IDENTIFIED, arrived_until=date(2026, 4, 11)), "/arrived_until", "period"),
        (
            replace(IDENTIFIED, arrived_from=date(2026, 4, 1), arrived_until=date(2026, 4, 11)),
            "/arrived_until", "not-in-future",
        ),
    ],
)  # fmt: skip
def test_a_request_is_refused_with_field_and_rule(asked, pointer, rule):
    assert (pointer, rule) in [(fault.pointer, fault.rule) for fault in request_faults(asked, today=TODAY)]


def test_a_request_that_fits_has_no_fault():
    assert request_faults(ASKED, today=TODAY) == []
    assert request_faults(IDENTIFIED, today=TODAY) == []


def test_an_export_is_open_after_the_approval_until_its_end_and_lapses_without_one():
    at = datetime(2026, 4, 1, tzinfo=UTC)
    end = at + timedelta(days=7)

    def state(decision, ends_at, moment):
        return state_of(decision, asked_at=at, ends_at=ends_at, at=moment)

    assert state(None, None, at) is ExportState.WAITING
    assert state(None, None, at + DECIDE_WITHIN) is ExportState.LAPSED
    assert state(ExportDecision.APPROVED, end, at) is ExportState.OPEN
    assert state(ExportDecision.APPROVED, end, end) is ExportState.ENDED
    assert state(ExportDecision.REJECTED, None, at + DECIDE_WITHIN) is ExportState.REJECTED
    assert state(None, end, at) is ExportState.OPEN, "a de-identified one needs no approval"
