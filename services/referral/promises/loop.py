"""The watcher checks every promise once a minute of real time, in every worker.

Several workers may check at the same time, because a unique index allows only one review for each breach.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.chassis.telemetry import meter
from libs.waiting.pauses import is_set_within
from services.referral.pack.policy import RoutingPolicy
from services.referral.promises import actions
from services.referral.promises.queries import LATE_AFTER_S

EVERY_S: Final = 60.0
"""Real seconds between two checks. The first check is one such pause after the start, so that overdue clocks can fire
before it."""

Mend = Callable[[], Awaitable[object]]
"""Corrects breaches that a program can correct, such as leaked places."""

log = get_logger(__name__)
_BROKEN = meter().create_gauge(
    "enlace.promise.violations",
    unit="{violation}",
    description="What breaks this promise now; zero unless there is a bug",
)


class Watcher:
    """Counts the breaches of each promise, reports them as a metric and in the log, and opens a review for each.

    Corrections are made after the check, so that each breach gets a review before it is corrected.
    """

    def __init__(self, database: Database, policy: RoutingPolicy, *, clock_rate: float, mend: Mend) -> None:
        self._database = database
        self._policy = policy
        self._mend = mend
        self._late_after = timedelta(seconds=LATE_AFTER_S * clock_rate)

    async def run(self, stop: asyncio.Event) -> None:
        """Check once a minute until told to stop."""
        while not stop.is_set():
            if await is_set_within(stop, EVERY_S):
                return
            await self.look()
            await self._mend()

    async def look(self) -> dict[str, int]:
        """Check all promises in one transaction. Returns the number of breaches of each promise."""
        async with self._database.transaction() as session:
            broken = await actions.watch(session, self._policy, late_after=self._late_after)
        for promise, count in broken.items():
            _BROKEN.set(count, {"enlace.promise": promise})
            if count:
                log.error("promise.broken", reason=promise, count=count)
        return broken
