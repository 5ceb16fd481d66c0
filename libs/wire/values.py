"""Dates, times, booleans and whole numbers from outside: each has one form, and nothing is guessed.

Pydantic by itself reads 0 and "0" as the first of January 1970, and "yes" as true. This would invent statements about a
person: a child of unknown age would become an adult of 56.
"""

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLOCK_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?")
_ZONE = re.compile(r"[Zz]|[+-][0-9]{2}:[0-9]{2}")


def is_moment(text: str) -> bool:
    """Whether the text has the form of RFC 3339: day, time with seconds, and time zone."""
    clock_time = _CLOCK_TIME.match(text)
    return clock_time is not None and _ZONE.fullmatch(text, clock_time.end()) is not None


def _day(told: Any) -> Any:
    if type(told) is date:
        return told
    if not isinstance(told, str) or not _DAY.fullmatch(told):
        raise PydanticCustomError("day", "A date is text such as 1990-05-17")
    return _real(told, date, "day", "There is no such day")


def _moment(told: Any) -> Any:
    if isinstance(told, datetime):
        if told.utcoffset() is None:
            raise PydanticCustomError("time_zone", "The time zone is missing, such as in 2026-03-02T19:40:00Z")
        return told
    if isinstance(told, str) and _CLOCK_TIME.fullmatch(told):
        raise PydanticCustomError("time_zone", "The time zone is missing, such as in 2026-03-02T19:40:00Z")
    if not isinstance(told, str) or not is_moment(told):
        raise PydanticCustomError("moment", "A time is text such as 2026-03-02T19:40:00Z")
    return _real(told.upper(), datetime, "moment", "There is no such moment")


def _real(text: str, kind: type[date], rule: str, reason: str) -> date:
    try:
        return kind.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError(rule, reason) from None


Day = Annotated[date, BeforeValidator(_day)]
"""A date as text, `1990-05-17`; not a number, no time of day."""
Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A time as text with its time zone (RFC 3339); not a number."""
Whole = Annotated[int, Field(strict=True)]
"""A JSON number without fraction; not `true`, not text."""
Flag = Annotated[bool, Field(strict=True)]
"""A JSON `true` or `false`; not 1, not text."""
