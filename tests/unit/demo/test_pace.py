"""The demo's clock goes on where an earlier run has come to, and nobody sets it while a demo runs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.demo.pace import RACES_AT, prepare
from deploy.local.locks import AlreadyRunningError, hold
from deploy.local.timekeeping import SCHEDULE
from libs.chassis.clock import ClockFault
from libs.chassis.paced_clock import PacedClock, Schedule


def ahead_of_real_time(state: Path) -> timedelta:
    now = datetime.now(UTC)
    return PacedClock(state / SCHEDULE, fastest=RACES_AT).at(now) - now


def test_the_first_run_begins_at_the_real_time(tmp_path: Path) -> None:
    prepare(tmp_path)
    assert abs(ahead_of_real_time(tmp_path)) < timedelta(milliseconds=1)


def test_the_next_run_begins_where_the_last_has_come_to(tmp_path: Path) -> None:
    """Seen to fail with every run beginning at the real time."""
    days = timedelta(days=3)
    real = datetime.now(UTC) - timedelta(hours=1)
    Schedule(tmp_path / SCHEDULE, shows=real + days, rate=1.0, real=real)
    prepare(tmp_path)
    assert abs(ahead_of_real_time(tmp_path) - days) < timedelta(milliseconds=1)


def test_a_demo_that_runs_keeps_its_schedule(tmp_path: Path) -> None:
    """Seen to fail with the lock taken out of `prepare`."""
    installation, _ = prepare(tmp_path)
    before = (tmp_path / SCHEDULE).read_bytes()
    with hold(installation.lock), pytest.raises(AlreadyRunningError):
        prepare(tmp_path)
    assert (tmp_path / SCHEDULE).read_bytes() == before


def test_a_schedule_that_cannot_be_read_is_no_reason_to_begin_anew(tmp_path: Path) -> None:
    prepare(tmp_path)
    (tmp_path / SCHEDULE).write_text("[", encoding="utf-8")
    with pytest.raises(ClockFault):
        prepare(tmp_path)
