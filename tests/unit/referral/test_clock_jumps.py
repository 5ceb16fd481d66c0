"""A clock that jumps ahead fires nothing early; one that was behind is believed after a while."""

from datetime import UTC, datetime, timedelta

from services.referral.clocks.rules import BELIEVED_AFTER_S, Trust

NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_a_jump_ahead_that_is_set_right_again_was_never_believed():
    """Taken out: the comparison with the machine's seconds (an hour of clocks fired at once)."""
    trust = Trust(1.0)
    assert trust.until(NOON, machine_s=0) == NOON
    assert trust.until(after(3610), machine_s=10) == after(10)
    assert trust.until(after(3630), machine_s=30) == after(30)
    assert trust.until(after(40), machine_s=40) == after(40)


def test_a_clock_that_stays_ahead_is_believed():
    trust = Trust(1.0)
    trust.until(NOON, machine_s=0)
    trust.until(after(3610), machine_s=10)
    assert trust.until(after(3610 + BELIEVED_AFTER_S), machine_s=10 + BELIEVED_AFTER_S) == after(3670)


def test_a_clock_set_back_is_believed_at_once_since_that_fires_nothing_early():
    trust = Trust(1.0)
    trust.until(NOON, machine_s=0)
    assert trust.until(after(-3600), machine_s=1) == after(-3600)


def test_a_faster_clock_of_a_rehearsal_and_a_halted_process_are_no_jumps():
    trust = Trust(600.0)
    trust.until(NOON, machine_s=0)
    assert trust.until(after(6000), machine_s=10) == after(6000)
    assert trust.until(after(6000 + 600 * 300), machine_s=310) == after(186_000)


def test_the_first_look_of_a_process_believes_the_clock_so_that_downtime_is_caught_up():
    assert Trust(1.0).until(after(86_400), machine_s=5) == after(86_400)
