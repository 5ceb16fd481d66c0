"""The codes of the taxonomy, and what may be asked about a need or its completion: coded details and facts."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from libs.chassis.yaml_files import PackPart

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
"""A category, kind, detail, fact, document or value. The bus carries codes in this form, also those it doesn't know."""
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
"""ISO 639-1 or 639-3."""
_Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Labels = Annotated[dict[Language, _Label], Field(min_length=1)]
"""By language: what a person sees instead of the code."""


class Form(StrEnum):
    """The form of a detail or a fact. There is no free text, because it could name a person."""

    CHOICE = "choice"
    CHOICES = "choices"
    NUMBER = "number"
    PLACE = "place"
    LANGUAGES = "languages"
    YES_NO = "yes_no"


class Question(PackPart):
    """A coded detail that a need of a kind may have, or a fact that its completion states."""

    label: Labels
    form: Form
    values: dict[Code, Labels] = {}
    """For `choice` and `choices`: the values that may be chosen."""
    at_least: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    at_most: Annotated[int, Field(ge=0, le=1_000_000)] = 1_000_000
    """For `number`: the smallest and the largest one."""

    @model_validator(mode="after")
    def _fits_its_form(self) -> Self:
        chosen = self.form in (Form.CHOICE, Form.CHOICES)
        if chosen and not self.values:
            raise ValueError(f"a {self.form.value} needs values")
        if self.values and not chosen:
            raise ValueError(f"a {self.form.value} has no values")
        if self.form is not Form.NUMBER and self.model_fields_set & {"at_least", "at_most"}:
            raise ValueError(f"a {self.form.value} has no limits")
        if self.at_least > self.at_most:
            raise ValueError("at_least must not be above at_most")
        return self


class Fact(Question):
    """A fact that the provider states at completion."""

    form: Literal[Form.YES_NO, Form.NUMBER, Form.CHOICE]
    met_by: tuple[bool | int | Code, ...] = ()
    """The answers with which the need counts as met: of a number, the smallest one. Empty: every answer."""

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        for answer in self.met_by:
            known = {
                Form.YES_NO: isinstance(answer, bool),
                Form.NUMBER: isinstance(answer, int)
                and not isinstance(answer, bool)
                and self.at_least <= answer <= self.at_most,
                Form.CHOICE: answer in self.values,
            }
            if not known[self.form]:
                raise ValueError(f"met_by: {answer!r} is no answer")
        if self.form is Form.NUMBER and len(self.met_by) > 1:
            raise ValueError("met_by: of a number, one answer: the smallest with which the need is met")
        return self
