"""Whatever swallows a cancellation is ended all the same, and nobody waits for it without a limit."""

import asyncio
from typing import Any, cast

from aiokafka.errors import KafkaConnectionError

from libs.events import kafka
from libs.events.consuming.membership import Membership
from libs.events.kafka import GroupMember
from libs.events.processes.ending import end, ends_within

SOON_SECONDS = 15.0


async def _swallows(times: int) -> None:
    """Goes on after that many cancellations, as aiokafka does where one meets the end of its heartbeat."""
    for _ in range(times):
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            continue
    await asyncio.sleep(3600)


async def test_a_task_that_swallows_its_cancellation_is_cancelled_again() -> None:
    """Seen not to end when `end` cancels once."""
    task = asyncio.create_task(_swallows(2))
    await asyncio.sleep(0)
    async with asyncio.timeout(SOON_SECONDS):
        await end(task, again_seconds=0.05)
    assert task.done()


async def test_nothing_is_left_behind_by_who_is_ended_while_it_ends_others() -> None:
    """Seen to leave the inner task behind when `end` gives up at its own cancellation."""
    inner = asyncio.create_task(_swallows(2))

    async def ends_it() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await end(inner, again_seconds=0.05)

    outer = asyncio.create_task(ends_it())
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(SOON_SECONDS):
            await end(outer, again_seconds=0.02)
        assert inner.done()
        assert outer.cancelled()
    finally:
        await end(inner, again_seconds=0.02)


async def test_errors_of_tasks_that_are_ended_are_not_raised() -> None:
    async def fails() -> None:
        raise ValueError

    tasks = [asyncio.create_task(fails()), asyncio.create_task(asyncio.sleep(3600))]
    await asyncio.sleep(0)
    await end(*tasks)
    assert all(task.done() for task in tasks)


async def test_work_that_does_not_let_itself_be_cancelled_is_left_to_itself() -> None:
    """Seen to hang with `asyncio.wait_for`."""
    async with asyncio.timeout(SOON_SECONDS):
        assert not await ends_within(0.05, _swallows(1))
        assert await ends_within(SOON_SECONDS, asyncio.sleep(0))
    left = [task for task in asyncio.all_tasks() if task.get_coro().__qualname__ == "_swallows"]
    await end(*left, again_seconds=0.05)


class _Member:
    """A client whose fetches fail and whose end takes every cancellation for its own."""

    def __init__(self) -> None:
        self._coordinator = self._fetcher = None
        self._client = self
        self.is_closed = False

    def subscribe(self, topics: object, listener: object) -> None: ...

    async def getmany(self, **_: object) -> dict[Any, Any]:
        raise KafkaConnectionError

    async def stop(self) -> None:
        await _swallows(1)

    async def close(self) -> None:
        self.is_closed = True


async def test_a_member_whose_end_hangs_is_given_up(monkeypatch: Any) -> None:
    """What was seen in a run of chaos: a consumer that was to be replaced waited for ever for the old one to stop.
    Seen to hang with `asyncio.wait_for` in `leave`."""
    monkeypatch.setattr(kafka, "CLOSE_SECONDS", 0.05)
    member = _Member()
    async with asyncio.timeout(SOON_SECONDS):
        await kafka.leave(cast(GroupMember, member))
    assert member.is_closed
    left = [task for task in asyncio.all_tasks() if "stop" in task.get_coro().__qualname__]
    await end(*left, again_seconds=0.05)


async def test_a_membership_ends_though_one_of_its_tasks_swallows_the_cancellation(monkeypatch: Any) -> None:
    """Seen to hang when its tasks are cancelled once."""
    monkeypatch.setattr(end, "__kwdefaults__", {"again_seconds": 0.05})
    monkeypatch.setattr(Membership, "_follow_hands", lambda _: _swallows(1))
    nothing: Any = None
    membership = Membership(
        cast(GroupMember, _Member()), group="g", topics={}, lanes={}, transaction=nothing, identify=nothing
    )
    async with asyncio.timeout(SOON_SECONDS):
        try:
            await membership.run()
        except KafkaConnectionError:
            return
    raise AssertionError("the failure of the client is what ends a membership")
