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
        """Process at most `limit` items in the caller's transaction, and return the number of processed items."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """The size of a portion, the pause in real seconds after a portion that was not full, and how a portion is
    logged."""

    limit: int
    pause_seconds: float
    log_done: Callable[[int], None]
    """Called with the number of processed items, unless it is 0."""

    async def run(self, stop: asyncio.Event, work: Portion, *, database: Database) -> None:
        """Do portion after portion until `stop` is set."""
        while not stop.is_set():
            async with database.transaction() as session:
                count = await work(session, limit=self.limit)
            if count:
                self.log_done(count)
            if count < self.limit:
                await is_set_within(stop, self.pause_seconds)
