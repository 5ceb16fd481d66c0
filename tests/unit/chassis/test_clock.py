from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.chassis.clock import Clock, ClockFault

ORIGIN = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
rates = st.floats(0.1, 1_000)


def test_with_rate_one_the_clock_shows_the_time_itself_in_utc():
    local = datetime(2026, 5, 1, 6, tzinfo=timezone(timedelta(hours=-6)))
    assert Clock().at(local) == local
    assert Clock().at(local).tzinfo is UTC
    assert Clock(rate=1.0, origin=ORIGIN).at(local) == local


def test_at_its_origin_every_clock_shows_the_time_itself():
    assert Clock(rate=60, origin=ORIGIN).at(ORIGIN) == ORIGIN


def test_a_minute_passes_as_an_hour_at_rate_sixty():
    clock = Clock(rate=60, origin=ORIGIN)
    assert clock.at(ORIGIN + timedelta(minutes=1)) == ORIGIN + timedelta(hours=1)


@given(rates, moments, moments)
def test_time_never_runs_backwards(rate, one, other):
    clock = Clock(rate=rate, origin=ORIGIN)
    earlier, later = sorted((one, other))
    assert clock.at(earlier) <= clock.at(later)


@given(rates, moments)
def test_real_time_is_found_again(rate, moment):
    clock = Clock(rate=rate, origin=ORIGIN)
    assert abs(clock.real(clock.at(moment)) - moment) < timedelta(milliseconds=1)


@pytest.mark.parametrize("rate", [0, -1, float("inf"), float("nan")])
def test_a_rate_that_would_stop_or_turn_time_is_refused(rate):
    with pytest.raises(ClockFault):
        Clock(rate=rate, origin=ORIGIN)


def test_another_rate_needs_an_origin_with_a_time_zone():
    with pytest.raises(ClockFault):
        Clock(rate=2)
    with pytest.raises(ClockFault):
        Clock(rate=2, origin=datetime(2026, 1, 1))  # noqa: DTZ001
