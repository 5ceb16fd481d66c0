"""How a search is interpreted: its words, and the local time where a service is given. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from libs.events.people_codes import AgeGroup
from libs.wire.names import APOSTROPHES, comparable, words

_WORD: Final = re.compile(r"[^\W_]+")
_TO_APOSTROPHE: Final = str.maketrans(dict.fromkeys(APOSTROPHES, "'"))


ADULT_AGE: Final = 18
_AGES: Final = {AgeGroup.CHILD: (0, 17), AgeGroup.ADULT: (18, 120), AgeGroup.UNSURE: (0, 120)}


class MatchReason(StrEnum):
    """Why a service is a result: one code for each criterion that it meets, and how."""

    NAME = "name"
    """Its own name has all words of the text."""
    ORGANIZATION = "organization"
    """The names of its organisation have all words of the text."""
    WORDS = "words"
    """Its description, location, town or department has words of the text."""
    CATEGORY = "category"
    KIND = "kind"
    SERVICE_TYPE = "service_type"
    SERVES_PLACE = "serves_place"
    """Its catchment contains the place."""
    SERVES_EVERYWHERE = "serves_everywhere"
    """It has no catchment, so it serves the place too."""
    LOCATED_THERE = "located_there"
    """It is given in the place."""
    LANGUAGE = "language"
    OPEN_THEN = "open_then"
    ALWAYS_OPEN = "always_open"
    """It has no opening hours, so it is open at the time too."""
    FREE_PLACES = "free_places"
    SEX = "sex"
    AGE = "age"
    NATIONALITY = "nationality"
    HOUSEHOLD = "household"
    UNACCOMPANIED = "unaccompanied"
    DOCUMENTS = "documents"
    ACCESS = "access"


RANKS: Final = (MatchReason.NAME, MatchReason.ORGANIZATION, MatchReason.WORDS)
"""Where a text was found, by the rank of the result."""


def place_matches(place: str, *, catchment: Sequence[str], located: str) -> list[MatchReason]:
    """How a service serves a place. Place codes are nested by prefix (OCHA p-codes)."""
    served = MatchReason.SERVES_PLACE if catchment else MatchReason.SERVES_EVERYWHERE
    return [served, MatchReason.LOCATED_THERE] if located.startswith(place) else [served]


def ages_of(*, age: int | None, group: AgeGroup | None) -> tuple[int, int] | None:
    """The lowest and the highest age that a person may have, in years. None if that is not told."""
    if age is not None:
        return age, age
    return None if group is None else _AGES[group]


def must_match_sex(ages: tuple[int, int] | None, *, people: int) -> bool:
    """Whether a service for one sex must be for the sex of this person. A household may bring children of the other
    sex; a person whose age is not told may be an adult."""
    return people == 1 or ages is None or ages[1] >= ADULT_AGE


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
