"""Which questions can be asked to prove who a person is, and that nobody passes by chance."""

from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b

import pytest
from pydantic import ValidationError

from services.registration.identity_checks.rules import (
    DAYS_AROUND,
    MONTHS,
    QUESTIONS,
    CheckLanguage,
    Facts,
    Kind,
    answer_faults,
    candidates,
    choose,
    needs_child_desk,
    option_text,
    question_text,
)
from services.registration.protection import GUESSED_MAX, LEAST_OPTIONS, IdentityCheckPolicy

TODAY = date(2026, 11, 30)
NAMES = {"mam": "Mam", "quc": "K'iche'", "kek": "Q'eqchi'", "ixl": "Ixil", "cak": "Kaqchikel"}
POLICY = {
    "questions": 4, "options": 5, "wrong_allowed": 0, "minutes": 20, "proof_minutes": 30, "tries_per_person": 3,
    "tries_per_caller": 20,
}  # fmt: skip


def facts(**changes):
    told = {
        "birth_date": date(1990, 5, 17), "arrived_at": datetime(2026, 11, 1, 9, tzinfo=UTC), "return_mode": "air",
        "household_size": 3, "identity_document": "lost_on_route", "languages": ["spa", "mam"],
    }  # fmt: skip
    return Facts(**(told | changes))


def known(*, today=TODAY, **changes):
    return candidates(facts(**changes), today=today, languages=NAMES)


def rank(whose):
    return lambda kind, option: blake2b(f"{whose}|{kind}|{option}".encode()).digest()


def chosen(person="person", check="check", **changes):
    return choose(known(**changes), questions=4, options=5, of_person=rank(person), of_check=rank(check))


def test_every_known_fact_gives_a_question_whose_wrong_answers_lack_the_right_one():
    found = known()
    assert set(found) == set(Kind)
    for one in found.values():
        assert one.right not in one.wrong
        assert len(one.wrong) + 1 >= LEAST_OPTIONS


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"birth_date": None}, {Kind.BIRTH_MONTH, Kind.BIRTH_DAY}),
        ({"return_mode": None}, {Kind.RETURN_MODE}),
        ({"household_size": None}, {Kind.HOUSEHOLD_SIZE}),
        ({"household_size": 1}, {Kind.HOUSEHOLD_SIZE}),
        ({"household_size": 12}, {Kind.HOUSEHOLD_SIZE}),
        ({"languages": ["spa"]}, {Kind.LANGUAGE}),
        ({"languages": ["mam", "quc"]}, set()),
        ({"languages": ["mam", "quc", "kek"]}, {Kind.LANGUAGE}),
        ({"arrived_at": datetime(2026, 11, 24, 9, tzinfo=UTC)}, {Kind.ARRIVAL_DAY}),
        ({"arrived_at": datetime(2026, 11, 23, 9, tzinfo=UTC)}, set()),
        ({"arrived_at": datetime(2026, 11, 1, 11, 30, tzinfo=UTC)}, {Kind.ARRIVAL_TIME}),
        ({"arrived_at": datetime(2026, 11, 1, 12, 30, tzinfo=UTC)}, {Kind.ARRIVAL_TIME}),
        ({"arrived_at": datetime(2026, 11, 1, 0, 30, tzinfo=UTC)}, {Kind.ARRIVAL_TIME}),
    ],
)
def test_what_is_not_known_or_would_be_guessed_is_not_asked(changes, missing):
    assert set(Kind) - set(known(**changes)) == missing


def test_another_language_of_the_person_is_no_wrong_answer():
    one = known(languages=["mam", "quc"])[Kind.LANGUAGE]
    assert not {"mam", "quc"} & set(one.wrong)


def test_the_days_beside_the_arrival_are_no_wrong_answers_and_none_is_in_the_future():
    arrived = TODAY - timedelta(days=DAYS_AROUND)
    found = known(arrived_at=datetime.combine(arrived, time(9), UTC))[Kind.ARRIVAL_DAY]
    days = [date.fromisoformat(one) for one in found.wrong]
    assert max(days) <= TODAY
    assert min(abs((day - arrived).days) for day in days) == 2


def test_a_person_gets_the_same_questions_and_options_in_each_check_in_another_order():
    checks = [chosen(check=f"check {n}") for n in range(20)]
    assert len({tuple((one.kind, frozenset(one.options)) for one in check) for check in checks}) == 1
    assert len({tuple(one.options for one in check) for check in checks}) > 10
    assert len({tuple(one.kind for one in chosen(person=f"person {n}")) for n in range(20)}) > 5


def test_the_right_answer_is_at_every_place_equally_often():
    places = [0] * 5
    for n in range(500):
        question = next(one for one in chosen(check=f"check {n}", person="another") if len(one.options) == 5)
        places[question.options.index(known()[question.kind].right)] += 1
    assert all(60 < count < 140 for count in places), places


@pytest.mark.parametrize("answers", [[1], [1, 1, 1], [1, 6], [5, 1]])
def test_the_form_of_answers_is_judged_by_the_questions_alone(answers):
    assert bool(answer_faults(answers, [5, 4])) == (answers != [5, 1])


@pytest.mark.parametrize(
    ("group", "flags", "needed"),
    [
        ("adult", [], False), ("child", [], True), ("unsure", [], True), ("adult", ["age_disputed"], True),
        ("adult", ["unaccompanied_child"], True), ("adult", ["fears_return"], False),
    ],
)  # fmt: skip
def test_in_doubt_a_person_counts_as_a_child(group, flags, needed):
    assert needs_child_desk(group, flags) is needed


@pytest.mark.parametrize("language", list(CheckLanguage))
def test_every_question_and_option_has_words_in_every_language(language):
    assert set(QUESTIONS) == set(Kind)
    assert len(MONTHS) == 12
    for kind, one in known().items():
        texts = [option_text(kind, code, language, languages=NAMES) for code in (one.right, *one.wrong)]
        assert len(set(texts)) == len(texts), "no two options read alike"
        assert question_text(kind, language)
        assert not any("_" in text for text in texts)


@pytest.mark.parametrize(
    "changes",
    [{"wrong_allowed": 1}, {"questions": 3}, {"tries_per_person": 6}, {"questions": 5, "wrong_allowed": 1}],
)
def test_a_pack_with_which_somebody_passes_by_chance_is_refused(changes):
    assert IdentityCheckPolicy.model_validate(POLICY).guessed * 3 < GUESSED_MAX
    with pytest.raises(ValidationError, match="by chance"):
        IdentityCheckPolicy.model_validate(POLICY | changes)


def test_no_question_asks_for_what_would_hurt():
    assert {kind.value for kind in Kind} == {
        "birth_month", "birth_day", "arrival_day", "arrival_time", "return_mode", "household_size", "document",
        "language",
    }  # fmt: skip
    assert set(Facts.__dataclass_fields__) == {
        "birth_date", "arrived_at", "return_mode", "household_size", "identity_document", "languages",
    }, "and nothing else reaches the choice of questions: no need and no flag changes it"  # fmt: skip
