"""Sets the speed of the installation's clock by the load of the machine: fast while nothing waits, slow under load.

The rule: the delay that the machine causes, measured on the installation's clock, stays near a bound. The pacer finds
out for how many real seconds the oldest waiting work has waited: an event that is not sent yet, a deadline that is not
handled yet, a webhook that is not delivered yet, or a call without an answer. The rate of the clock is the bound
divided by these seconds. So the results hardly depend on the speed of the machine or on its other work; a slower
machine only takes longer.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg

from deploy.demo.hands import Hands
from deploy.demo.world import World
from libs.chassis.paced_clock import Schedule
from libs.chassis.walls import WORKS_FOR

LOOKS_EVERY_SECONDS: Final = 0.3
LEAST_LAG_SECONDS: Final = 0.02
FORGETS: Final = 0.6
"""The share of a measured lag that still counts at the next measurement."""

_OUTBOX: Final = "SELECT extract(epoch FROM clock_timestamp() - min(created_at))::float8 FROM outbox"
_OVERDUE: Final = "SELECT extract(epoch FROM $1::timestamptz - min(due_at))::float8 FROM timer WHERE due_at < $1"
_DELIVERIES: Final = """
SELECT extract(epoch FROM $1::timestamptz - min(due_at))::float8 FROM delivery WHERE status = 'pending' AND due_at < $1
"""


@dataclass
class Pacer:
    """Writes the clock's schedule by the lag of the waiting work."""

    world: World
    schedule: Schedule
    hands: Hands
    fastest: float
    slowest: float
    bound: timedelta
    """How late the machine may be, measured on the installation's clock."""
    rates: list[float] = field(default_factory=list)
    """The rate at each measurement."""
    _lag_s: float = LEAST_LAG_SECONDS

    async def run(self) -> None:
        """Pace the clock until cancelled. If a database cannot be reached, its error is raised, because a clock without
        a pacer would give wrong results."""
        async with AsyncExitStack() as stack:
            registration, referral, notifications = [
                await stack.enter_async_context(_connected(self.world.databases[f"ENLACE_{name}_DATABASE_URL"]))
                for name in ("REGISTRATION", "REFERRAL", "NOTIFICATIONS")
            ]
            while True:
                now, rate = self.world.now(), self.world.clock.rate
                lags = [
                    await registration.fetchval(_OUTBOX) or 0.0,
                    await referral.fetchval(_OUTBOX) or 0.0,
                    (await referral.fetchval(_OVERDUE, now) or 0.0) / rate,
                    (await notifications.fetchval(_DELIVERIES, now) or 0.0) / rate,
                    self.hands.lag_s(),
                ]
                self._lag_s = max(LEAST_LAG_SECONDS, *lags, self._lag_s * FORGETS)
                self._pace(self.bound.total_seconds() / self._lag_s)
                await asyncio.sleep(LOOKS_EVERY_SECONDS)

    async def slowed_down(self) -> None:
        """Return when the rate fits the work that waits now; call it before much new work begins."""
        looks = len(self.rates)
        while len(self.rates) < looks + 2:  # noqa: ASYNC110 - a look every so often
            await asyncio.sleep(LOOKS_EVERY_SECONDS)

    @property
    def mean_rate(self) -> float:
        """The mean rate of all measurements; before the first one, the highest rate."""
        return sum(self.rates) / len(self.rates) if self.rates else self.fastest

    @asynccontextmanager
    async def pacing(self) -> AsyncIterator[None]:
        """Paces the clock while the block runs; afterwards the clock runs at the highest rate."""
        task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            task.cancel()
            ended = await asyncio.gather(task, return_exceptions=True)
        if isinstance(ended[0], Exception):
            raise ended[0]
        self._pace(self.fastest)

    def _pace(self, wanted: float) -> None:
        rate = min(self.fastest, max(self.slowest, wanted))
        self.rates.append(rate)
        if abs(rate / self.world.clock.rate - 1) > 0.05:
            self.schedule.pace(rate, real=datetime.now(UTC))


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(url, server_settings={WORKS_FOR: "service"})
    try:
        yield connection
    finally:
        await connection.close()
