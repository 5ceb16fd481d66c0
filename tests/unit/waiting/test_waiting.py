"""A pause ends with its event or its time; a wake-up reaches those who wait, and nobody else."""

from __future__ import annotations

import asyncio
import gc

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.waiting.pauses import done_or_set, is_set_within
from libs.waiting.wakeups import Wakeups


async def test_a_pause_ends_when_its_event_is_set():
    """With `asyncio.sleep` in its place this would take an hour."""
    stop = asyncio.Event()
    asyncio.get_running_loop().call_soon(stop.set)
    assert await is_set_within(stop, 3_600)
    assert await is_set_within(stop, 0)


async def test_a_pause_ends_with_its_time():
    assert not await is_set_within(asyncio.Event(), 0.001)


async def test_work_goes_on_when_the_event_is_set_first():
    stop, go_on = asyncio.Event(), asyncio.Event()
    work = asyncio.create_task(go_on.wait())
    asyncio.get_running_loop().call_soon(stop.set)
    await done_or_set(work, stop)
    assert not work.done()
    go_on.set()
    await done_or_set(work, asyncio.Event())
    assert work.done()


async def test_everybody_who_waits_for_this_kind_of_work_is_woken_and_nobody_else():
    wakeups, others = Wakeups("one"), Wakeups("other")
    first, second, other = wakeups.register(), wakeups.register(), others.register()
    wakeups.wake()
    assert first.is_set()
    assert second.is_set()
    assert not other.is_set()


async def test_who_no_longer_waits_is_forgotten():
    """Seen to fail with a set that holds its members."""
    wakeups = Wakeups("one")
    waiting = wakeups.register()
    assert wakeups.wanted
    del waiting
    gc.collect()
    assert not wakeups.wanted


async def test_a_commit_wakes_once_for_all_that_was_done_in_it_and_a_rollback_does_not():
    """Seen to fail with `wake` called at once, before the commit."""
    wakeups = Wakeups("one")
    waiting = wakeups.register()
    session = AsyncSession()
    wakeups.wake_after_commit(session)
    wakeups.wake_after_commit(session)
    await session.begin()
    await session.rollback()
    assert not waiting.is_set()
    heard = []
    wakeups.wake = lambda: heard.append(1)  # type: ignore[method-assign]
    await session.begin()
    await session.commit()
    assert heard == [1]
