"""The pauses of a relay: it relies on announcements while every event is announced, and reads often otherwise."""

from __future__ import annotations

import asyncio

import pytest

from libs.events.relaying import pausing
from libs.events.relaying.pausing import Pause

INFINITE = float("inf")


@pytest.fixture(autouse=True)
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long pause does not end by itself, and nothing is known of other processes."""
    monkeypatch.setattr(pausing, "LONGEST_SECONDS", 600.0)
    monkeypatch.setattr(pausing, "IDLE_SECONDS", 900.0)
    monkeypatch.setattr(pausing, "OTHERS_SECONDS", 0.0)


async def ends(pause: Pause, *, at_most: float = INFINITE) -> None:
    await asyncio.wait_for(pause.end(at_most=at_most), 300)


async def test_a_commit_ends_a_long_pause_also_if_it_was_announced_before() -> None:
    """With the event cleared in `end` instead of `begin`, a commit during a round is not read before the next one."""
    wakeup = asyncio.Event()
    pause = Pause(wakeup)
    pause.begin()
    asyncio.get_running_loop().call_soon(wakeup.set)
    await ends(pause)
    pause.begin()
    wakeup.set()
    pause.found(more=False)
    await ends(pause)
    assert wakeup.is_set()


async def test_announced_events_are_followed_by_a_long_pause_and_others_by_short_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without `_announced` the relay reads every few milliseconds after each event; without `_others_until` it finds
    the events of other processes late, however many there are."""
    wakeup = asyncio.Event()
    pause = Pause(wakeup)
    monkeypatch.setattr(pausing, "OTHERS_SECONDS", 600.0)
    wakeup.set()
    pause.begin()
    pause.found(more=False)
    await ends(pause, at_most=0.001)
    assert pause._seconds == pausing.IDLE_SECONDS
    pause.begin()
    pause.found(more=False)
    await ends(pause)
    assert pause._seconds == 2 * pausing.SHORTEST_SECONDS


async def test_pauses_are_shorter_while_another_process_is_known_to_write_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Taken out: `_others_known_until`, so that an event of another process waits for an idle relay, or an idle service
    reads as often as a busy one."""
    pause = Pause(asyncio.Event())
    pause.begin()
    await ends(pause, at_most=0.0)
    assert pause._seconds == pausing.IDLE_SECONDS
    pause.found(more=False)
    await ends(pause, at_most=0.0)
    assert pause._seconds == pausing.LONGEST_SECONDS
    monkeypatch.setattr(pausing, "KNOWN_SECONDS", 0.0)
    pause.begin()
    pause.found(more=False)
    await ends(pause, at_most=0.0)
    assert pause._seconds == pausing.IDLE_SECONDS


async def test_a_row_that_is_read_just_before_its_announcement_counts_as_announced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the second condition in `found` one such row a second would keep the relay reading often."""
    wakeup = asyncio.Event()
    pause = Pause(wakeup)
    monkeypatch.setattr(pausing, "OTHERS_SECONDS", 600.0)
    pause.begin()
    wakeup.set()
    pause.found(more=False)
    await ends(pause)
    assert pause._seconds == pausing.IDLE_SECONDS


async def test_an_announcement_that_comes_together_with_the_end_of_a_pause_is_not_lost() -> None:
    """With a timer that sets the event and clears it afterwards, the next event counts as that of another process."""
    wakeup = asyncio.Event()
    pause = Pause(wakeup)
    pause.begin()
    asyncio.get_running_loop().call_soon(lambda: asyncio.get_running_loop().call_soon(wakeup.set))
    await ends(pause, at_most=0.0)
    await asyncio.sleep(0)
    pause.begin()
    assert pause._announced


async def test_there_is_no_pause_while_more_rows_wait() -> None:
    pause = Pause(asyncio.Event())
    pause.begin()
    pause.found(more=True)
    await ends(pause)


async def test_a_pause_ends_when_rows_must_be_retired() -> None:
    """Without `at_most` acknowledged rows would wait for the next event."""
    pause = Pause(asyncio.Event())
    pause.begin()
    await ends(pause, at_most=0.001)
