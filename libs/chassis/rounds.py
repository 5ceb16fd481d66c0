"""Work in portions: one transaction each, repeated at once while a portion is full, then a pause."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import Database
from libs.waiting.pauses import is_set_within


class Portion(Protocol):
    """The work of one transaction."""

    def __call__(self, session: AsyncSession, /, *, limit: int) -> Awaitable[int]:
        """Do at most `limit` of what there is to do, in the caller's transaction; return how much was done."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """How large a portion is, how many real seconds pass after one that was not full, and how a portion is logged."""

    limit: int
    pause_seconds: float
    log_done: Callable[[int], None]
    """Is called with how much was done, unless it was nothing."""

    async def run(self, stop: asyncio.Event, work: Portion, *, database: Database) -> None:
        """Do portion after portion until `stop` is set."""
        while not stop.is_set():
            async with database.transaction() as session:
                count = await work(session, limit=self.limit)
            if count:
                self.log_done(count)
            if count < self.limit:
                await is_set_within(stop, self.pause_seconds)
