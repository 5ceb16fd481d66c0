"""Whether a question can ever be asked, and a rule ever hold: tried with every possible answer (pure)."""

from collections.abc import Iterator
from itertools import combinations, product
from math import prod
from typing import Final

from libs.instruments.asking import effective, is_asked
from libs.instruments.conditions import NO, YES, Condition, Value, holds
from libs.instruments.decisions import read_by
from libs.instruments.model import Instrument, NeedRule, Question, QuestionType, ReviewRule

TRIED_MAX: Final = 200_000
_SEVERAL_MAX: Final = 8


class TooManyAnswersError(ValueError):
    """A condition depends on so many answers that they cannot all be tried."""


def can_be_asked(instrument: Instrument, question: Question) -> bool:
    """Whether some answers to the earlier questions lead to this one. Raises TooManyAnswersError."""
    if question.ask_if is None:
        return True
    found = _tried(instrument, question.ask_if)
    return any(is_asked(question, effective(instrument, answers)) for answers in found)


def can_hold(instrument: Instrument, rule: NeedRule | ReviewRule) -> bool:
    """Whether the condition of a rule is true for some answers. Raises TooManyAnswersError."""
    return any(holds(rule.when, effective(instrument, answers)) for answers in _tried(instrument, rule.when))


def _tried(instrument: Instrument, condition: Condition) -> Iterator[dict[str, Value]]:
    names = sorted(read_by(instrument, condition) & instrument.by_id.keys())
    domains = [_values(instrument.by_id[name], _compared(instrument, name)) for name in names]
    if prod(map(len, domains)) > TRIED_MAX:
        raise TooManyAnswersError
    return (dict(zip(names, values, strict=True)) for values in product(*domains))


def _compared(instrument: Instrument, name: str) -> set[str]:
    """All values with which some condition of the instrument compares this question."""
    asked = (one.ask_if for one in instrument.questions if one.ask_if is not None)
    needs = (one.when for one in instrument.needs.values())
    reviews = (one.when for one in instrument.reviews.values())
    conditions: list[Condition] = [*asked, *needs, *reviews]
    return {
        value for one in conditions for part in one.comparisons() if part.question == name for value in part.compared
    }


def _values(question: Question, compared: set[str]) -> list[Value]:
    """The answers that conditions can tell apart."""
    if question.type is QuestionType.YES_NO:
        return [None, YES, NO]
    if question.type is QuestionType.ONE_OF:
        return [None, *question.options]
    if question.type is QuestionType.SEVERAL_OF:
        codes = sorted(compared & question.options.keys())
        if len(codes) > _SEVERAL_MAX:
            raise TooManyAnswersError
        return [None, *(chosen for size in range(len(codes) + 1) for chosen in combinations(codes, size))]
    return [None, *sorted(compared)]
