"""The kinds of clocks, and when a clock runs out that counts only opening hours (domain 1C). Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

_DAY: Final = timedelta(days=1)
JUMP: Final = timedelta(seconds=5)
"""The real time by which the clock may be ahead of the machine's clock between two checks."""
BELIEVED_AFTER_S: Final = 60.0
"""The real seconds after which a clock that has jumped ahead is accepted as correct."""


class TimerKind(StrEnum):
    """What is due. `subject_id` is an offer for `OFFER_*` and `ACKNOWLEDGE_DEADLINE`, a need for `OWNER_SILENCE`, and
    otherwise a referral."""

    OFFER_REMINDER = "offer_reminder"
    OFFER_EXPIRY = "offer_expiry"
    ROUTING_DEADLINE = "routing_deadline"
    """No offer has been made in time."""
    HOUSEHOLD_DEADLINE = "household_deadline"
    """A household is still incomplete."""
    WAITLIST_DEADLINE = "waitlist_deadline"
    """No place has become free in time."""
    START_DEADLINE = "start_deadline"
    """An accepted service has not begun in time."""
    REPORT_DEADLINE = "report_deadline"
    """A started service has no outcome in time."""
    ACKNOWLEDGE_DEADLINE = "acknowledge_deadline"
    """An offer has not been acknowledged in time."""
    OWNER_SILENCE = "owner_silence"
    """The owner of a need has given no sign of life in time."""
    SEARCH_DEADLINE = "search_deadline"
    """The next attempt to find a person is due."""
    STAY_ALARM = "stay_alarm"
    """The end of a stay approaches."""
    STAY_END = "stay_end"
    """A stay has reached its end."""
    START_REMINDER = "start_reminder"
    """A provider is reminded to start an accepted service."""
    REPORT_REMINDER = "report_reminder"
    """A provider is reminded to report the outcome of a service."""


REMINDERS: Final = frozenset({TimerKind.OFFER_REMINDER, TimerKind.START_REMINDER, TimerKind.REPORT_REMINDER})
"""Clocks that only remind and decide nothing. A need that has only such clocks counts as a need without a clock."""


class Trust:
    """Decides up to which time clocks are fired, in case the installation's clock is wrong.

    Between two checks the time is compared with the machine's monotonic count of seconds, which nobody can set. A clock
    that jumps ahead is accepted only if it stays there, so that a jump and its correction fire nothing early. The first
    check of a process accepts the clock, because time passes while a process is down.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._last: tuple[datetime, float] | None = None
        self.jumped_at: float | None = None
        """Since when, in the machine's seconds, the clock is ahead. None if it is not ahead."""

    def until(self, shown: datetime, *, machine_s: float) -> datetime:
        """The time up to which clocks may be fired, if the installation's clock shows `shown`."""
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
    """ISO weekday, opening and closing time in minutes after local midnight, at most 1440. If empty: always open."""
    zone: ZoneInfo


def due_after(start: datetime, seconds: float, hours: Hours, is_holiday: Callable[[date], bool]) -> datetime:
    """The time, in UTC, at which the service has been open for `seconds` since `start`.

    A service that publishes no hours is always open, also on holidays. Opening hours are local times. An hour that
    daylight saving skips is not counted, because the service was not open then. An hour that is repeated during opening
    hours is counted twice, because the service was open. The result is never earlier than `start` plus `seconds`.
    """
    if not any(closes > opens for _, opens, closes in hours.openings):
        return (start + timedelta(seconds=seconds)).astimezone(UTC)
    left = timedelta(seconds=seconds)
    for opens, closes in _openings_from(start, hours, is_holiday):
        if closes - opens >= left:
            return opens + left
        left -= closes - opens
    raise AssertionError("the opening periods have no end")


def _openings_from(
    start: datetime, hours: Hours, is_holiday: Callable[[date], bool]
) -> Iterator[tuple[datetime, datetime]]:
    """The opening periods from `start` on, in order and without overlaps. The sequence has no end."""
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
    """A local time as UTC. If the time occurs twice, the first is used. If it is skipped, the offset before the change
    applies."""
    wall = datetime.combine(day, time(), tzinfo=zone) + timedelta(minutes=minute)
    return wall.astimezone(UTC)
