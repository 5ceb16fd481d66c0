"""What is asked next, and what follows: only the present answers count, not the order in which they came."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.instruments.asking import effective, merged, missing, needs_from, open_questions, reviews_from, value_fault
from libs.instruments.conditions import Condition, Value, holds
from libs.instruments.model import Instrument, Question, QuestionType
from services.registration.answers.rules import SEALED_BYTES, Saved, Standing, news, overtaken, packed, unpacked
from services.registration.pack import load_pack

PACKS = Path(__file__).resolve().parents[3] / "deploy" / "packs"
GUATEMALA = load_pack(PACKS / "guatemala").instruments
ALL = list(GUATEMALA.current.values())
TODAY = date(2026, 3, 2)


def condition(told: object) -> Condition:
    return Condition.model_validate(told)


def answers_to(question: Question) -> st.SearchStrategy[Value]:
    """Every answer that the question accepts, and that the person does not want to answer."""
    codes = sorted(question.options) or ["yes", "no"]
    of_type: dict[QuestionType, st.SearchStrategy[Value]] = {
        QuestionType.YES_NO: st.sampled_from(["yes", "no"]),
        QuestionType.ONE_OF: st.sampled_from(codes),
        QuestionType.SEVERAL_OF: st.sets(st.sampled_from(codes)).map(lambda one: tuple(sorted(one))),
        QuestionType.NUMBER: st.integers(question.at_least, min(question.at_most, 50)).map(str),
        QuestionType.DATE: st.dates(max_value=TODAY).map(date.isoformat),
        QuestionType.TEXT: st.text("abc ñ", min_size=1, max_size=9).map(lambda one: f"x{one}"),
    }
    return st.none() | of_type[question.type]


@st.composite
def a_life(draw: st.DrawFn) -> tuple[Instrument, dict[str, Value], list[list[tuple[str, Value]]]]:
    """An instrument, final answers, and partial saves in any order that end with them, corrections included."""
    instrument = draw(st.sampled_from(ALL))
    final = {one.id: draw(answers_to(one)) for one in instrument.questions if draw(st.booleans())}
    earlier = [(one, draw(answers_to(instrument.by_id[one]))) for one in final if draw(st.booleans())]
    order = [*draw(st.permutations(earlier)), *draw(st.permutations(list(final.items())))]
    saves: list[list[tuple[str, Value]]] = []
    while order:
        count = draw(st.integers(1, len(order)))
        saves.append(order[:count])
        order = order[count:]
    return instrument, final, saves


@given(a_life())
def test_partial_saves_in_any_order_lead_to_the_needs_of_one_save(life):
    instrument, final, saves = life
    saved: dict[str, Value] = {}
    for save in saves:
        saved = merged(saved, save)
    assert needs_from(instrument, saved) == needs_from(instrument, final)
    assert reviews_from(instrument, saved) == reviews_from(instrument, final)
    assert missing(instrument, saved) == missing(instrument, final)
    assert [one.id for one in open_questions(instrument, saved)] == [
        one.id for one in open_questions(instrument, final)
    ]


@given(a_life())
def test_who_answers_what_is_asked_next_comes_to_an_end_and_nothing_is_missing(life):
    instrument, final, _ = life
    given_so_far: dict[str, Value] = {}
    for _ in instrument.questions:
        waiting = open_questions(instrument, given_so_far)
        if not waiting:
            break
        given_so_far[waiting[0].id] = final.get(waiting[0].id)
    assert not open_questions(instrument, given_so_far)
    assert not missing(instrument, given_so_far)
    assert effective(instrument, given_so_far) == given_so_far, "nothing was asked in vain"


@given(a_life())
def test_an_answer_to_a_question_that_is_skipped_counts_for_nothing(life):
    instrument, final, _ = life
    counted = effective(instrument, final)
    assert needs_from(instrument, final) == needs_from(instrument, counted)
    assert reviews_from(instrument, final) == reviews_from(instrument, counted)


@given(a_life())
def test_what_is_sealed_has_a_length_that_does_not_tell_a_code(life):
    instrument, final, _ = life
    for question, value in final.items():
        assert unpacked(packed(value)) == value
        assert len(packed(value).encode()) == SEALED_BYTES, instrument.by_id[question]


def test_each_form_of_a_condition_is_true_and_false():
    told: dict[str, Value] = {"qa": "yes", "qb": ("x", "y"), "qc": None}
    true = [
        {"question": "qa", "equals": True},
        {"question": "qa", "in": ["no", "yes"]},
        {"question": "qb", "in": ["y", "z"]},
        {"not": {"question": "qc", "equals": "yes"}},
        {"all": [{"question": "qa", "equals": "yes"}, {"question": "qb", "in": ["x"]}]},
        {"any": [{"question": "qa", "equals": "no"}, {"question": "qb", "in": ["x"]}]},
    ]
    false = [
        {"question": "qa", "equals": "no"},
        {"question": "qb", "in": ["z"]},
        {"question": "qb", "equals": "x"},
        {"question": "qc", "equals": "yes"},
        {"question": "nobody_asked", "equals": "yes"},
        {"all": [{"question": "qa", "equals": "yes"}, {"question": "qb", "in": ["z"]}]},
    ]
    assert [holds(condition(one), told) for one in true] == [True] * len(true)
    assert [holds(condition(one), told) for one in false] == [False] * len(false)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"question": "qa"},
        {"equals": "yes"},
        {"question": "qa", "equals": "yes", "in": ["yes"]},
        {"question": "qa", "not": {"question": "qa", "equals": "yes"}},
        {"all": []},
        {"question": "qa", "eval": "1"},
        "__import__('os')",
    ],
)
def test_what_is_no_condition_is_refused(told):
    with pytest.raises(ValueError, match="validation error"):
        condition(told)


def question(**told: object) -> Question:
    return Question.model_validate({"id": "q1", "text": {"es": "¿?"}, **told})


CODES = {"aa": {"es": "A"}, "bb": {"es": "B"}}


@pytest.mark.parametrize(
    ("told", "good", "bad"),
    [
        ({"type": "yes_no"}, ["yes", "no", None], ["si", "", "1", ("yes",), "YES"]),
        ({"type": "one_of", "options": CODES}, ["aa", "bb", None], ["cc", ("aa",), ""]),
        ({"type": "several_of", "options": CODES}, [("aa",), ("aa", "bb"), (), None], ["aa", ("aa", "aa"), ("cc",)]),
        ({"type": "number", "at_least": 1, "at_most": 9}, ["1", "9", None], ["0", "10", "1.0", "-1", "01", "x", "١"]),
        ({"type": "date"}, ["2026-03-02", "1990-05-17", None], ["2026-03-03", "2026-02-30", "17/05/1990", "20260101"]),
        ({"type": "date", "future": True}, ["2099-01-01"], ["2099-13-01"]),
        ({"type": "text", "longest": 5}, ["insul", "ñandú", None], ["insuli", "", "  ", "a\nb", "a\x00", ("a",)]),
    ],
)
def test_each_type_takes_its_answers_and_no_other(told, good, bad):
    asked = question(**told)
    assert [value_fault(asked, value, today=TODAY, pointer="/v") for value in good] == [None] * len(good)
    for value in bad:
        fault = value_fault(asked, value, today=TODAY, pointer="/v")
        assert fault is not None, value
        assert fault.pointer == "/v"


def test_the_same_answer_again_changes_nothing_and_an_answer_that_was_overtaken_is_named():
    standing = {"a": Standing(2, "yes")}
    assert news([Saved("a", "yes", 0)], standing) == []
    assert overtaken([Saved("a", "no", 1), Saved("b", "no", 0)], standing) == ["a"]
    assert overtaken([Saved("a", "no", 2), Saved("b", "no", 1)], standing) == ["b"]
