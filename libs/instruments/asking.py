"""What is asked next, which answers are possible, and what follows from the answers (pure).

All of it depends only on the present answers, not on the order in which they were saved.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, NamedTuple

from libs.chassis.errors import FieldError
from libs.instruments.conditions import NO, YES, Answers, Value, holds
from libs.instruments.model import CHOSEN, Instrument, NeedRule, Question, QuestionType, ReviewRule
from libs.wire.names import has_control

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,6}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Conclusion(NamedTuple):
    """A rule whose condition holds, with the questions whose answers it reads."""

    rule: str
    what: NeedRule | ReviewRule
    questions: tuple[str, ...]


def effective(instrument: Instrument, answers: Answers) -> dict[str, Value]:
    """The answers that count: those to questions that are asked, given the other answers that count. An answer to a
    question that is skipped is kept, but nothing follows from it."""
    counted: dict[str, Value] = {}
    for question in instrument.questions:  # a question reads only questions before it
        if question.id in answers and is_asked(question, counted):
            counted[question.id] = answers[question.id]
    return counted


def is_asked(question: Question, counted: Answers) -> bool:
    """Whether a question is asked, given the answers that count."""
    return question.ask_if is None or holds(question.ask_if, counted)


def open_questions(instrument: Instrument, answers: Answers) -> list[Question]:
    """The questions to ask that have no answer yet, in their order. An answer may add some and take others away."""
    counted = effective(instrument, answers)
    return [one for one in instrument.questions if one.id not in counted and is_asked(one, counted)]


def missing(instrument: Instrument, answers: Answers) -> list[str]:
    """The required questions that have no answer yet."""
    return [one.id for one in open_questions(instrument, answers) if one.required]


def needs_from(instrument: Instrument, answers: Answers) -> list[Conclusion]:
    """The rules for needs whose condition holds."""
    return _concluded(instrument.needs, effective(instrument, answers))


def reviews_from(instrument: Instrument, answers: Answers) -> list[Conclusion]:
    """The rules for private reviews whose condition holds."""
    return _concluded(instrument.reviews, effective(instrument, answers))


def _concluded(rules: Mapping[str, NeedRule] | Mapping[str, ReviewRule], counted: Answers) -> list[Conclusion]:
    return [
        Conclusion(name, rule, tuple(sorted(rule.when.questions() & counted.keys())))
        for name, rule in rules.items()
        if holds(rule.when, counted)
    ]


def value_fault(question: Question, value: Value, *, today: date, pointer: str) -> FieldError | None:
    """The rule that an answer breaks, or None. The value itself is never repeated."""
    fault = None if value is None else _fault(question, value, today)
    return None if fault is None else FieldError(pointer, *fault)


def _fault(question: Question, value: str | tuple[str, ...], today: date) -> tuple[str, str] | None:
    if question.type in CHOSEN or question.type is QuestionType.YES_NO:
        return _choice_fault(question, value)
    if not isinstance(value, str):
        return "answer-form", "The answer to this question is one text, not a list"
    if question.type is QuestionType.NUMBER:
        return _number_fault(question, value)
    if question.type is QuestionType.DATE:
        return _day_fault(question, value, today)
    if not value.strip() or has_control(value):
        return "answer-text", "A text must have characters, and no control characters or line ends"
    if len(value) > question.longest:
        return "answer-length", f"A text must not have more than {question.longest} characters"
    return None


def _choice_fault(question: Question, value: str | tuple[str, ...]) -> tuple[str, str] | None:
    several = question.type is QuestionType.SEVERAL_OF
    if isinstance(value, str) == several:
        return "answer-form", "The answer must be a list of different codes" if several else "The answer must be a code"
    chosen = (value,) if isinstance(value, str) else value
    if len(set(chosen)) != len(chosen):
        return "answer-repeated", "A code may occur only once"
    possible = possible_codes(question)
    if set(chosen) - possible:
        return "unknown-answer", f"The answers to choose from are {', '.join(sorted(possible))}"
    return None


def possible_codes(question: Question) -> frozenset[str]:
    """The codes from which an answer is chosen."""
    return frozenset((YES, NO)) if question.type is QuestionType.YES_NO else frozenset(question.options)


def _number_fault(question: Question, value: str) -> tuple[str, str] | None:
    if not _NUMBER.fullmatch(value):
        return "answer-number", "The answer must be a whole number as text, such as 3"
    if not question.at_least <= int(value) <= question.at_most:
        return "answer-limits", f"The number must be from {question.at_least} to {question.at_most}"
    return None


def _day_fault(question: Question, value: str, today: date) -> tuple[str, str] | None:
    try:
        day = date.fromisoformat(value) if _DAY.fullmatch(value) else None
    except ValueError:
        day = None
    if day is None:
        return "answer-day", "The answer must be a day as text, such as 1990-05-17"
    if day > today and not question.future:
        return "answer-in-future", "The day must not be after today"
    return None


def merged(answers: Answers, saved: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    """The answers after a partial save: each one replaces only the earlier answer to the same question."""
    return {**answers, **dict(saved)}
