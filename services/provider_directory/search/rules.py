"""How a search is interpreted: its words, and the local time where a service is given. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from libs.wire.names import APOSTROPHES, comparable, words

_WORD: Final = re.compile(r"[^\W_]+")
_TO_APOSTROPHE: Final = str.maketrans(dict.fromkeys(APOSTROPHES, "'"))


@dataclass(frozen=True, slots=True)
class LocalMoment:
    """A moment in the local time of one time zone."""

    timezone: str
    weekday: int
    minute: int
    today: date


def readings(text: str) -> list[list[str]]:
    """The words of a text, each once: as written, and without its apostrophes. A reading without words is omitted."""
    one = text.translate(_TO_APOSTROPHE)
    found = [list(dict.fromkeys(_WORD.findall(written))) for written in (one, one.replace("'", ""))]
    return [words for place, words in enumerate(found) if words and words not in found[:place]]


def word_query(word: str) -> str:
    """The tsquery of one word: a word of the listing must be equal to it or begin with it."""
    return f"'{word}':*"


def places_called(word: str, names: Mapping[str, str]) -> list[str]:
    """The codes of places with a word in their name that begins with this word."""
    beginning = comparable(word)
    return sorted(code for code, name in names.items() if any(one.startswith(beginning) for one in words(name)))


def local_moments(timezones: Iterable[str], *, at: datetime, now: datetime) -> list[LocalMoment]:
    """For each time zone: the weekday and minute of `at`, and the day of `now`."""
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
