"""Conditions on answers, as data: when a question is asked, and when a need or a review follows (pure).

    {question: place_tonight, equals: "no"}
    {any: [{question: injury, in: [fresh, open]}, {not: {question: can_walk, equals: yes}}]}

There is no other form, and nothing of a pack is ever executed as code. A condition on a question without an answer, or
one that the person did not want to answer, is false; so `not` of it is true.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from libs.chassis.yaml_files import PackPart
from libs.taxonomy.questions import Code

Value = str | tuple[str, ...] | None
"""An answer: a code, number, date or text as text; several codes; None: the person did not want to answer."""
Answers = Mapping[str, Value]
"""Answers by question. A question that has not been asked is missing."""

YES, NO = "yes", "no"


def _as_code(told: Any) -> Any:
    """YAML reads a bare `yes` or `no` as a boolean, and `3` as a number."""
    if isinstance(told, bool):
        return YES if told else NO
    return str(told) if isinstance(told, int) else told


Compared = Annotated[str, BeforeValidator(_as_code)]


class Condition(PackPart):
    """One condition: a comparison of one question, or a combination of other conditions."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    question: Code | None = None
    equals: Compared | None = None
    one_of: Annotated[tuple[Compared, ...] | None, Field(alias="in", min_length=1)] = None
    """The answer is one of these; of several answers, at least one is."""
    every: Annotated[tuple["Condition", ...] | None, Field(alias="all", min_length=1)] = None
    some: Annotated[tuple["Condition", ...] | None, Field(alias="any", min_length=1)] = None
    negated: Annotated["Condition | None", Field(alias="not")] = None

    @model_validator(mode="after")
    def _has_one_form(self) -> Self:
        forms = [one for one in (self.equals, self.one_of, self.every, self.some, self.negated) if one is not None]
        if len(forms) != 1:
            raise ValueError("a condition has exactly one of equals, in, all, any, not")
        compares = self.equals is not None or self.one_of is not None
        if compares != (self.question is not None):
            raise ValueError("equals and in need a question, and all, any and not have none")
        return self

    @property
    def parts(self) -> tuple["Condition", ...]:
        """The conditions that this one combines."""
        negated = () if self.negated is None else (self.negated,)
        return (*(self.every or ()), *(self.some or ()), *negated)

    @property
    def compared(self) -> tuple[str, ...]:
        """The answers with which its question is compared."""
        return (self.equals,) if self.equals is not None else self.one_of or ()

    def comparisons(self) -> Iterator["Condition"]:
        """This condition if it compares a question, and all comparisons in it."""
        if self.question is not None:
            yield self
        for part in self.parts:
            yield from part.comparisons()

    def questions(self) -> frozenset[str]:
        """The questions that it reads."""
        return frozenset(one.question for one in self.comparisons() if one.question is not None)


def holds(condition: Condition, answers: Answers) -> bool:
    """Whether a condition is true for these answers."""
    if condition.every is not None:
        return all(holds(one, answers) for one in condition.every)
    if condition.some is not None:
        return any(holds(one, answers) for one in condition.some)
    if condition.negated is not None:
        return not holds(condition.negated, answers)
    value = answers.get(condition.question or "")
    given = () if value is None else (value,) if isinstance(value, str) else value
    if condition.equals is not None:
        return given == (condition.equals,)
    return bool(set(given) & set(condition.one_of or ()))
