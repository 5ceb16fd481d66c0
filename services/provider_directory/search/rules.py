"""How a search is understood: its words, and what time it is where a service is given. Pure."""

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
    """A moment as the clocks of one time zone show it."""

    timezone: str
    weekday: int
    minute: int
    today: date


def readings(text: str) -> list[list[str]]:
    """The words of a text, each once: as it is written, and as if its apostrophes were not; no list without a word."""
    one = text.translate(_TO_APOSTROPHE)
    found = [list(dict.fromkeys(_WORD.findall(written))) for written in (one, one.replace("'", ""))]
    return [words for place, words in enumerate(found) if words and words not in found[:place]]


def word_query(word: str) -> str:
    """The tsquery of one word: it must appear, at least as a beginning."""
    return f"'{word}':*"


def places_called(word: str, names: Mapping[str, str]) -> list[str]:
    """The codes of places of whose names a word begins like this one."""
    beginning = comparable(word)
    return sorted(code for code, name in names.items() if any(one.startswith(beginning) for one in words(name)))


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
