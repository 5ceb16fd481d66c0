"""An installation's clock whose rate changes while it runs: a schedule in a file that all processes read (rehearsals).

A change is written to the file before it takes effect, so that all processes have the same time. Each stretch begins
at the time at which the previous one ends: time never runs backwards and never jumps.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from libs.chassis.clock import ClockFault

LEAD: Final = timedelta(seconds=0.2)
"""Real time between writing a change and its start; every process reads the file whenever it needs the time."""
KEPT: Final = 50
"""The number of stretches kept; callers ask only for times of the last seconds."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """At the real time `since` the clock shows `shows`; from then on it runs at `rate` seconds per real second."""

    since: datetime
    shows: datetime
    rate: float

    def at(self, real: datetime) -> datetime:
        """The time of the clock at `real` if this stretch had no end."""
        return self.shows + (real - self.since) * self.rate


class PacedClock:
    """A clock that follows the schedule in a file. Raises ClockFault if the file is missing or cannot be read.

    `fastest` is the highest rate that the schedule will ever have.
    """

    def __init__(self, path: Path, *, fastest: float) -> None:
        self._path = path
        self.fastest = fastest
        self._seen: tuple[int, int] | None = None
        self._stretches: list[Stretch] = []
        self._read()

    @property
    def rate(self) -> float:
        """How many seconds pass on the clock in a real second, according to the newest entry of the file."""
        self._read()
        return self._stretches[-1].rate

    def at(self, real: datetime) -> datetime:
        """Installation time at the aware real time `real`, in UTC."""
        self._read()
        stretch = next((one for one in reversed(self._stretches) if one.since <= real), None)
        return (self._stretches[0].shows if stretch is None else stretch.at(real)).astimezone(UTC)

    def _read(self) -> None:
        try:
            there = os.stat(self._path)
            if (there.st_ino, there.st_mtime_ns) == self._seen:
                return
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            self._stretches = [
                Stretch(datetime.fromisoformat(since), datetime.fromisoformat(shows), rate)
                for since, shows, rate in stored
            ]
        except (OSError, ValueError, TypeError) as error:
            raise ClockFault(f"no schedule of a clock can be read in {self._path}") from error
        if not self._stretches:
            raise ClockFault(f"the schedule in {self._path} is empty")
        self._seen = there.st_ino, there.st_mtime_ns


class Schedule:
    """Writes the schedule. Only one process may do this."""

    def __init__(self, path: Path, *, shows: datetime, rate: float, real: datetime) -> None:
        self._path = path
        self._stretches = [Stretch(real, shows, _sound(rate))]
        self._write()

    def pace(self, rate: float, *, real: datetime) -> None:
        """Run at `rate`, beginning LEAD after the real time `real`."""
        since = real + LEAD
        before = self._stretches[-1]
        if since <= before.since:
            raise ClockFault("a stretch of the clock can't begin before the last one has")
        self._stretches = [*self._stretches, Stretch(since, before.at(since), _sound(rate))][-KEPT:]
        self._write()

    def race(self, rate: float, *, to: datetime, real: datetime) -> datetime:
        """Run at `rate` from LEAD after the real time `real` until the clock shows `to`, then at the rate before.

        Returns the real time at which the clock shows `to`. The end is written to the file together with the beginning,
        so that the clock slows down even if the writer has ended by then.
        """
        since, before = real + LEAD, self._stretches[-1]
        shows = before.at(since)
        if since <= before.since or to <= shows:
            raise ClockFault("a race of the clock begins after the last stretch and ends later than it begins")
        until = since + (to - shows) / _sound(rate)
        self._stretches = [*self._stretches, Stretch(since, shows, rate), Stretch(until, to, before.rate)][-KEPT:]
        self._write()
        return until

    def _write(self) -> None:
        beside = self._path.with_suffix(".new")
        written = [[one.since.isoformat(), one.shows.isoformat(), one.rate] for one in self._stretches]
        beside.write_text(json.dumps(written), encoding="utf-8")
        beside.replace(self._path)


def _sound(rate: float) -> float:
    if not 0 < rate < float("inf"):
        raise ClockFault("the clock's rate must be above 0: time never runs backwards")
    return rate
