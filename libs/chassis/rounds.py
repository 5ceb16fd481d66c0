"""Work in portions: one transaction each, repeated at once while a portion is full, then a pause."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import Database


@dataclass(frozen=True, slots=True)
class Rounds:
    """How large a portion is, and how many real seconds pass after one that was not full."""

    limit: int
    pause_seconds: float


async def work_forever(
    stop: asyncio.Event,
    *,
    database: Database,
    rounds: Rounds,
    work: Callable[[AsyncSession], Awaitable[int]],
    told: Callable[[int], None],
) -> None:
    """Run `work` until stopped. It does at most `rounds.limit` and returns how much; `told` gets it if it is not 0."""
    while not stop.is_set():
        async with database.transaction() as session:
            count = await work(session)
        if count:
            told(count)
        if count == rounds.limit:
            continue
        try:
            await asyncio.wait_for(stop.wait(), rounds.pause_seconds)
        except TimeoutError:
            continue
