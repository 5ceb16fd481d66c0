"""Clocks that run only while a provider is open: never early, also where the wall clock jumps."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.referral.clocks.rules import Hours, due_after

HOUR = 3600
OFFICE = tuple((weekday, 8 * 60, 16 * 60) for weekday in range(1, 6))
ZONES = ["America/Guatemala", "America/New_York", "America/Havana", "Asia/Kathmandu", "Australia/Lord_Howe"]


def never(_: date) -> bool:
    return False


def at(zone: str, *moment: int) -> datetime:
    return datetime(*moment, tzinfo=ZoneInfo(zone))  # type: ignore[arg-type,misc]


def due(start: datetime, hours: float, zone: str, openings=OFFICE, is_holiday=never) -> datetime:
    return due_after(start, hours * HOUR, Hours(openings, ZoneInfo(zone)), is_holiday).astimezone(ZoneInfo(zone))


def test_an_office_counts_its_own_hours_over_night_and_weekend():
    """Friday 15:00 and four working hours: one hour of Friday, three of Monday."""
    friday = at("America/Guatemala", 2026, 3, 6, 15)
    assert due(friday, 4, "America/Guatemala") == at("America/Guatemala", 2026, 3, 9, 11)
    assert due(friday, 1, "America/Guatemala") == at("America/Guatemala", 2026, 3, 6, 16)


def test_a_holiday_is_left_out():
    """Taken out: `is_holiday` (it was due on the holiday)."""
    before = at("America/Guatemala", 2026, 9, 14, 15)
    holiday = due(before, 2, "America/Guatemala", is_holiday=lambda day: day == date(2026, 9, 15))
    assert holiday == at("America/Guatemala", 2026, 9, 16, 9)


def test_a_service_without_hours_is_always_open_on_holidays_too():
    start = at("America/Guatemala", 2026, 1, 1)
    assert due(start, 5, "America/Guatemala", (), lambda _: True) == start + timedelta(hours=5)


@pytest.mark.parametrize(
    ("zone", "sunday", "night"),
    [
        ("America/New_York", (2026, 3, 8), 2),  # 02:00 to 03:00 is skipped: 3 hours on the wall are 2 of work
        ("America/New_York", (2026, 11, 1), 4),  # 01:00 to 02:00 comes twice
        ("America/Havana", (2026, 3, 8), 2),  # the hour after midnight is skipped
        ("America/Havana", (2026, 11, 1), 4),
    ],
)
def test_a_night_shift_over_the_change_counts_the_hours_that_passed(zone: str, sunday: tuple[int, ...], night: int):
    shift = ((7, 0, 3 * 60),)
    start = at(zone, *sunday) - timedelta(days=1)
    end = at(zone, *sunday, 3).astimezone(UTC)
    assert due(start, night, zone, shift).astimezone(UTC) == end
    assert due(start, night + 0.01, zone, shift).astimezone(UTC) > end + timedelta(days=6)


intervals = st.tuples(st.integers(1, 7), st.integers(0, 1410), st.integers(30, 1440)).map(
    lambda one: (one[0], one[1], min(one[1] + one[2], 1440))
)
weeks = st.lists(intervals, min_size=1, max_size=10).map(tuple)
starts = st.integers(0, 2 * 366 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
holidays = st.frozensets(st.integers(0, 365 * 2).map(lambda days: date(2026, 1, 1) + timedelta(days=days)), max_size=20)


def open_minutes(start: datetime, end: datetime, openings: tuple[tuple[int, int, int], ...], zone: str, off) -> int:
    """Whole minutes of [start, end) in which the wall shows an open time, counted one by one."""
    found, zoned = 0, ZoneInfo(zone)
    for offset in range(int((end - start).total_seconds() // 60)):
        wall = (start + timedelta(minutes=offset)).astimezone(zoned)
        minute = wall.hour * 60 + wall.minute
        weekday = wall.isoweekday()
        found += wall.date() not in off and any(
            day == weekday and opens <= minute < closes for day, opens, closes in openings
        )
    return found


@settings(max_examples=60, deadline=None)
@given(start=starts, minutes=st.integers(1, 600), openings=weeks, zone=st.sampled_from(ZONES), off=holidays)
def test_never_before_the_service_was_open_for_as_long(start, minutes, openings, zone, off):
    """Taken out: the holidays; `passed`, by which neither the time before nor an overlap counts (each was too soon)."""
    found = due_after(start, minutes * 60, Hours(openings, ZoneInfo(zone)), off.__contains__)
    assert found >= start + timedelta(minutes=minutes)
    # At a change of the wall clock an opening may begin or end in an hour that comes twice or not at all.
    assert open_minutes(start, found, openings, zone, off) >= minutes


@settings(max_examples=200, deadline=None)
@given(
    start=starts, later=st.integers(0, 5000), seconds=st.integers(1, 500_000), more=st.integers(0, 500_000),
    openings=weeks, zone=st.sampled_from(ZONES), off=holidays,
)  # fmt: skip
def test_a_later_start_or_a_longer_clock_is_never_due_sooner(start, later, seconds, more, openings, zone, off):
    hours = Hours(openings, ZoneInfo(zone))
    first = due_after(start, seconds, hours, off.__contains__)
    assert due_after(start, seconds + more, hours, off.__contains__) >= first
    assert due_after(start + timedelta(minutes=later), seconds, hours, off.__contains__) >= first
