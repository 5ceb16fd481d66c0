"""Times as people read them: in the zone of the pack, with the date where it is not today (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import TIMEDELTA_UNITS, format_date, format_datetime, format_time, format_timedelta
from markupsafe import Markup, escape

from services.console.words import Words

_MINUTE: Final = timedelta(minutes=1)
_UNITS: Final = tuple(seconds for _, seconds in TIMEDELTA_UNITS)
_THRESHOLD: Final = 1.5


@lru_cache(maxsize=5_000)
def _in_words(count: int, unit: int, locale: str) -> str:
    """`12 minutes`. Babel finds the words of a length anew each time, which is too slow for the rows of a list."""
    return format_timedelta(timedelta(seconds=count * unit), threshold=max(count, 1), locale=locale)


def parsed(told: str | datetime | None) -> datetime | None:
    """A time of an API as a datetime."""
    if told is None or isinstance(told, datetime):
        return told
    return datetime.fromisoformat(told)


@dataclass(frozen=True)
class Moments:
    """Times for one page: `now` is the installation's time at its making."""

    now: datetime
    zone: ZoneInfo
    words: Words
    rate: float = 1.0

    def local(self, told: str | datetime) -> datetime:
        """The time in the zone of the pack."""
        found = parsed(told)
        assert found is not None
        return found.astimezone(self.zone)

    def clock(self, told: str | datetime | None) -> str:
        """The time of day; with the date where it is not today. An empty text for None."""
        if told is None:
            return ""
        local = self.local(told)
        if local.date() == self.now.astimezone(self.zone).date():
            return format_time(local, "HH:mm", locale=self.words.locale)
        if local.year == self.now.astimezone(self.zone).year:
            return format_datetime(local, "d MMM HH:mm", locale=self.words.locale)
        return format_datetime(local, "d MMM y HH:mm", locale=self.words.locale)

    def day(self, told: str | date | None) -> str:
        """A date in words."""
        if told is None:
            return ""
        found = date.fromisoformat(told) if isinstance(told, str) else told
        return format_date(found, "long", locale=self.words.locale)

    def moment(self, told: str | datetime | None) -> Markup:
        """The time as a `time` element, which programs can read too."""
        if told is None:
            return Markup("")
        machine = self.local(told).isoformat(timespec="seconds")
        return Markup('<time datetime="{}">{}</time>').format(machine, self.clock(told))

    def span(self, seconds: float | None) -> str:
        """A length of time in words, rounded to what people need: `45 seconds`, `12 minutes`, `3 hours`."""
        if seconds is None:
            return "–"
        length = abs(seconds)
        unit = next((unit for unit in _UNITS if length >= _THRESHOLD * unit), 1)
        count = max(round(length / unit), 1) if length else 0
        return _in_words(count, unit, str(self.words.locale))

    def age(self, told: str | datetime | None) -> str:
        """How long ago it was."""
        found = parsed(told)
        return "–" if found is None else self.span((self.now - found).total_seconds())

    def seconds_left(self, told: str | datetime) -> float:
        """The seconds until this time; negative if it has passed."""
        found = parsed(told)
        assert found is not None
        return (found - self.now).total_seconds()

    def left(self, told: str | datetime | None) -> Markup:
        """The time that is left until a deadline, or since when it has passed; it runs down in the browser.

        The page is complete without the script: the words say the time that was left when it was made.
        """
        if told is None:
            return Markup("")
        seconds = self.seconds_left(told)
        state = "over" if seconds < 0 else "soon" if seconds < 600 else "ample"
        text = self.words("%(span)s late" if seconds < 0 else "%(span)s left", span=self.span(seconds))
        return Markup('<span class="clock" data-clock="{}" data-rate="{}" data-state="{}">{}</span>').format(
            round(seconds), f"{self.rate:g}", state, escape(text)
        )
