"""How far a time in the input may differ from our clock (pure). The country pack sets the limits.

Otherwise a wrong clock or a mistyped year would affect ages, deadlines and expiries.
"""

from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from libs.chassis.errors import FieldError

Span = Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=40_000))]
_SOMEWHERE_ELSE = timedelta(days=1)
"""The largest difference between a local date and the date in UTC."""


class Tolerance(BaseModel):
    """The allowed distance of a time of one kind into the future and into the past."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ahead: Span
    back: Span

    def faults(self, told: date, *, at: datetime, pointer: str) -> list[FieldError]:
        """The faults of a date, or of a time with a time zone, when our clock shows `at`."""
        if isinstance(told, datetime):
            distance, slack = told - at, timedelta(0)
        else:
            distance, slack = told - at.date(), _SOMEWHERE_ELSE
        if distance > self.ahead + slack:
            return [FieldError(pointer, "too-far-ahead", "The time is too far in the future.")]
        if -distance > self.back + slack:
            return [FieldError(pointer, "too-long-ago", "The time is too far in the past.")]
        return []
