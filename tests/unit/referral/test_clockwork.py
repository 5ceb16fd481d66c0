"""How many batches of clocks are fired at the same time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.referral.clocks import loop
from services.referral.clocks.loop import HANDS, MANY, Clockwork
from services.referral.clocks.rules import Trust


class Counting(Clockwork):
    """Fires nothing: each batch has the size that is told, and lasts until it may end."""

    def __init__(self) -> None:
        self.size, self.running, self.begun = 0, 0, 0
        self.may_end = asyncio.Event()
        self._database: Any = _Database()

    async def fire_once(self, *, limit: int = loop.BATCH_MAX, trust: Trust | None = None) -> int:
        self.running += 1
        self.begun += 1
        await self.may_end.wait()
        await asyncio.sleep(0)
        self.running -= 1
        return self.size


class _Database:
    class clock:  # noqa: N801 (the name of the attribute of a database)
        fastest = 1.0


@pytest.mark.parametrize("size", [0, MANY - 1])
async def test_while_there_are_few_clocks_one_batch_at_a_time_is_fired(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken out: the wait of the others, so that each looks for clocks four times a second."""
    monkeypatch.setattr(loop, "LONGEST_SLEEP_S", 0.0)
    clockwork, stop = Counting(), asyncio.Event()
    clockwork.size = size
    work = asyncio.create_task(clockwork.run(stop))
    await until(lambda: clockwork.begun == 1)
    await turns()
    assert clockwork.running == 1
    clockwork.may_end.set()
    await until(lambda: clockwork.begun > 20)
    clockwork.may_end.clear()
    await turns()
    assert clockwork.running == 1
    clockwork.may_end.set()
    stop.set()
    await asyncio.wait_for(work, 300)


async def test_many_clocks_are_fired_in_batches_side_by_side_and_a_stop_ends_all() -> None:
    """Taken out: `many.set()` after a batch; the one at the end, so that a stop waits for ever."""
    clockwork, stop = Counting(), asyncio.Event()
    clockwork.size = MANY
    clockwork.may_end.set()
    work = asyncio.create_task(clockwork.run(stop))
    await until(lambda: clockwork.running == HANDS)
    stop.set()
    await asyncio.wait_for(work, 300)
    assert clockwork.running == 0


async def turns() -> None:
    """Let every task go on as far as it can."""
    for _ in range(50):
        await asyncio.sleep(0)


async def until(is_so: Any) -> None:
    async with asyncio.timeout(300):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0)
