"""The watcher: looks at every promise once a minute of real time, in every worker.

Several may look at once: a review is opened once per breach, by a unique index.
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
"""Real seconds between two looks; the first is one such pause after the start, when what is overdue has been caught up
with."""

Mend = Callable[[], Awaitable[object]]
"""Puts right what can be, such as places that leaked."""

log = get_logger(__name__)
_BROKEN = meter().create_gauge(
    "enlace.promise.violations",
    unit="{violation}",
    description="What breaks this promise now; zero unless there is a bug",
)


class Watcher:
    """Counts what breaks each promise, tells it as a metric and in the log, and opens a review for each breach.

    What can be mended is mended after the look, so that a breach has its review before it is gone.
    """

    def __init__(self, database: Database, policy: RoutingPolicy, *, clock_rate: float, mend: Mend) -> None:
        self._database = database
        self._policy = policy
        self._mend = mend
        self._late_after = timedelta(seconds=LATE_AFTER_S * clock_rate)

    async def run(self, stop: asyncio.Event) -> None:
        """Look once a minute until told to stop."""
        while not stop.is_set():
            if await is_set_within(stop, EVERY_S):
                return
            await self.look()
            await self._mend()

    async def look(self) -> dict[str, int]:
        """Look once, in one transaction; returns how many break each promise."""
        async with self._database.transaction() as session:
            broken = await actions.watch(session, self._policy, late_after=self._late_after)
        for promise, count in broken.items():
            _BROKEN.set(count, {"enlace.promise": promise})
            if count:
                log.error("promise.broken", reason=promise, count=count)
        return broken
