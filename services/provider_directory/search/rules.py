"""How a search is understood: its words, and what time it is where a service is given. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

_WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class LocalMoment:
    """A moment as the clocks of one time zone show it."""

    timezone: str
    weekday: int
    minute: int
    today: date


def word_query(text: str) -> str | None:
    """The text as a tsquery: every word must appear, at least as a beginning. None if there is no word in it."""
    words = _WORD.findall(text)
    return " & ".join(f"'{word}':*" for word in words) if words else None


def local_moments(timezones: Iterable[str], *, at: datetime, now: datetime) -> list[LocalMoment]:
    """In each zone: the weekday and minute of `at`, and the day of `now`."""
    return [_local(name, at=at, now=now) for name in timezones]


def _local(name: str, *, at: datetime, now: datetime) -> LocalMoment:
    zone = ZoneInfo(name)
    there = at.astimezone(zone)
    return LocalMoment(
        timezone=name,
        weekday=there.isoweekday(),
        minute=there.hour * 60 + there.minute,
        today=now.astimezone(zone).date(),
    )
