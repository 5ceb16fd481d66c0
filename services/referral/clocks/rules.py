"""Which clocks there are, and when one runs out that runs only while somebody is there (domain 1C). Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

_DAY: Final = timedelta(days=1)
JUMP: Final = timedelta(seconds=5)
"""Real time that the clock may run ahead of the machine's between two looks."""
BELIEVED_AFTER_S: Final = 60.0
"""Real seconds after which a clock that has jumped ahead is believed: then it was wrong before."""


class TimerKind(StrEnum):
    """What is due. `subject_id` is an offer for the first two, a referral for others, a need where it says so."""

    OFFER_REMINDER = "offer_reminder"
    OFFER_EXPIRY = "offer_expiry"
    ROUTING_DEADLINE = "routing_deadline"
    """No offer has been made in time."""
    HOUSEHOLD_DEADLINE = "household_deadline"
    """A household is still incomplete."""
    WAITLIST_DEADLINE = "waitlist_deadline"
    """No place has come free in time."""
    START_DEADLINE = "start_deadline"
    """An accepted service has not begun in time."""
    REPORT_DEADLINE = "report_deadline"
    """A service that began has no outcome in time."""
    ACKNOWLEDGE_DEADLINE = "acknowledge_deadline"
    """An offer has not been acknowledged in time."""
    OWNER_SILENCE = "owner_silence"
    """The owner of a need has given no sign of life in time. Of a need."""
    SEARCH_DEADLINE = "search_deadline"
    """It is time to look again for a person who could not be found."""
    STAY_ALARM = "stay_alarm"
    """The end of a stay comes nearer."""
    STAY_END = "stay_end"
    """A stay is as long as it may be."""
    START_REMINDER = "start_reminder"
    """An accepted service is awaited. Of a referral."""
    REPORT_REMINDER = "report_reminder"
    """The outcome of a service is awaited. Of a referral."""


REMINDERS: Final = frozenset({TimerKind.OFFER_REMINDER, TimerKind.START_REMINDER, TimerKind.REPORT_REMINDER})
"""Clocks at which somebody is told again and nothing is decided: a need is not attended by these alone."""


class Trust:
    """How far the installation's clock is believed when it says that something is due.

    Between two looks it cannot have gone further than the machine's own count of seconds, which nobody sets. A clock
    that jumps ahead is believed only once it has stayed there, so that a jump and its correction fire nothing early.
    The first look of a process believes it: downtime is no jump.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._last: tuple[datetime, float] | None = None
        self.jumped_at: float | None = None
        """Since when, on the machine's count, the clock is ahead of itself; None while it is not."""

    def until(self, shown: datetime, *, machine_s: float) -> datetime:
        """The moment up to which clocks may be fired, where the clock shows `shown`."""
        if self._last is not None:
            moment, then = self._last
            expected = moment + timedelta(seconds=(machine_s - then) * self._rate)
            if shown - expected > JUMP * self._rate:
                self.jumped_at = machine_s if self.jumped_at is None else self.jumped_at
                if machine_s - self.jumped_at < BELIEVED_AFTER_S:
                    return expected
        self._last, self.jumped_at = (shown, machine_s), None
        return shown


@dataclass(frozen=True, slots=True)
class Hours:
    """The weekly opening hours of a provider service, in its own time zone."""

    openings: tuple[tuple[int, int, int], ...]
    """ISO weekday, and minutes after local midnight from when to when, at most 1440. None at all: always open."""
    zone: ZoneInfo


def due_after(start: datetime, seconds: float, hours: Hours, is_holiday: Callable[[date], bool]) -> datetime:
    """The moment, in UTC, by which the service has been open for `seconds` since `start`.

    A service that publishes no hours is always open, on holidays too. Hours are those of the wall clock: an hour that
    daylight saving skips is not counted, since nobody was there, and one that it repeats within an opening is counted
    twice, since somebody was. Never earlier than `start` and `seconds`.
    """
    if not any(closes > opens for _, opens, closes in hours.openings):
        return (start + timedelta(seconds=seconds)).astimezone(UTC)
    left = timedelta(seconds=seconds)
    for opens, closes in _openings_from(start, hours, is_holiday):
        if closes - opens >= left:
            return opens + left
        left -= closes - opens
    raise AssertionError("weeks never end")


def _openings_from(
    start: datetime, hours: Hours, is_holiday: Callable[[date], bool]
) -> Iterator[tuple[datetime, datetime]]:
    """What there is of the openings from `start` on, in order and no moment twice; without end."""
    week: dict[int, list[tuple[int, int]]] = {day: [] for day in range(1, 8)}
    for weekday, opens, closes in sorted(hours.openings):
        if closes > opens:
            week[weekday].append((opens, closes))
    day = start.astimezone(hours.zone).date()
    passed = start.astimezone(UTC)
    while True:
        for opens, closes in () if is_holiday(day) else week[day.isoweekday()]:
            begin = max(_moment(day, opens, hours.zone), passed)
            end = _moment(day, closes, hours.zone)
            if end > begin:
                yield begin, end
                passed = end
        day += _DAY


def _moment(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """A time on the wall as a moment. Of a time that comes twice the first; one that is skipped, as if it were not."""
    wall = datetime.combine(day, time(), tzinfo=zone) + timedelta(minutes=minute)
    return wall.astimezone(UTC)
