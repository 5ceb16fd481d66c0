"""The installation's clock as the simulation's programs read it: real time run faster, now more, now less."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from libs.chassis.clock import Timekeeper

SHORTEST_SLEEP_SECONDS: Final = 0.1
"""Real seconds between two looks at a clock that has slowed down."""


@dataclass(frozen=True, slots=True)
class Timepiece:
    """What the time is, and waiting for a time. `midnight` is when the simulation begins."""

    clock: Timekeeper
    midnight: datetime

    def now(self) -> datetime:
        """The time on the installation's clock."""
        return self.clock.at(datetime.now(UTC))

    async def until(self, moment: datetime) -> None:
        """Sleep until the clock shows `moment`: at first as long as it takes at the fastest, then look again."""
        while (left := (moment - self.now()).total_seconds()) > 0:  # noqa: ASYNC110 - no event tells the time
            await asyncio.sleep(max(left / self.clock.fastest, min(left / self.clock.rate, SHORTEST_SLEEP_SECONDS)))

    async def rest(self, span: timedelta) -> None:
        """Sleep while `span` passes on the clock."""
        await self.until(self.now() + span)


def next_monday(real: datetime, *, timezone: str) -> datetime:
    """The midnight with which the next week begins there: a run begins on the same weekday, whenever it is run."""
    local = real.astimezone(ZoneInfo(timezone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=7 - local.weekday())
