"""How far a time that somebody outside tells may lie from our clock (pure). Each country pack says how far.

A clock that is wrong, or a year that is mistyped, would otherwise decide ages, deadlines and expiries.
"""

from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from libs.chassis.errors import FieldError

Span = Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=40_000))]
_SOMEWHERE_ELSE = timedelta(days=1)
"""By how much the day of somewhere on Earth may differ from the day of UTC."""


class Tolerance(BaseModel):
    """How far ahead of our clock and how far back a told time of one kind may lie."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ahead: Span
    back: Span

    def faults(self, told: date, *, at: datetime, pointer: str) -> list[FieldError]:
        """What is wrong with a day, or with a moment that has a time zone, when our clock shows `at`."""
        if isinstance(told, datetime):
            distance, slack = told - at, timedelta(0)
        else:
            distance, slack = told - at.date(), _SOMEWHERE_ELSE
        if distance > self.ahead + slack:
            return [FieldError(pointer, "too-far-ahead", "The time is too far in the future.")]
        if -distance > self.back + slack:
            return [FieldError(pointer, "too-long-ago", "The time is too far in the past.")]
        return []
