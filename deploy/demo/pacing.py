"""Paces the clock by what the machine can carry: fast while nothing waits, slow while much is to be done.

One rule: the machine's own delay, seen on the installation's clock, stays near a bound. What waits for the machine now
(an event not yet sent, a clock not yet acted on, a webhook not yet heard, a call not yet answered) has waited for some
real seconds; the rate is the bound divided by those. So the figures hardly depend on how fast the machine is or on what
else it does: a slower machine takes longer.
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
"""How much of a lag is still believed at the next look."""

_OUTBOX: Final = "SELECT extract(epoch FROM clock_timestamp() - min(created_at))::float8 FROM outbox"
_OVERDUE: Final = "SELECT extract(epoch FROM $1::timestamptz - min(due_at))::float8 FROM timer WHERE due_at < $1"
_DELIVERIES: Final = """
SELECT extract(epoch FROM $1::timestamptz - min(due_at))::float8 FROM delivery WHERE status = 'pending' AND due_at < $1
"""


@dataclass
class Pacer:
    """Writes the clock's schedule by what waits."""

    world: World
    schedule: Schedule
    hands: Hands
    fastest: float
    slowest: float
    bound: timedelta
    """On the clock: so late may the machine be."""
    rates: list[float] = field(default_factory=list)
    """The rate at each look."""
    _lag_s: float = LEAST_LAG_SECONDS

    async def run(self) -> None:
        """Pace until cancelled. Raises what a database raises that is away: a clock that nobody paces is no clock."""
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
        """Return once the clock runs as slowly as what waits now asks for; before much is begun."""
        looks = len(self.rates)
        while len(self.rates) < looks + 2:  # noqa: ASYNC110 - a look every so often
            await asyncio.sleep(LOOKS_EVERY_SECONDS)

    @property
    def mean_rate(self) -> float:
        """The rate over all looks; the highest before the first."""
        return sum(self.rates) / len(self.rates) if self.rates else self.fastest

    @asynccontextmanager
    async def pacing(self) -> AsyncIterator[None]:
        """The clock is paced while the block runs; afterwards it runs at its fastest again."""
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
