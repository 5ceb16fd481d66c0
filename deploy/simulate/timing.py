"""The installation's clock for the simulation's programs: it runs faster than real time, at a rate that changes."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from libs.chassis.clock import Timekeeper

SHORTEST_SLEEP_SECONDS: Final = 0.1
"""The shortest sleep in real seconds before the clock is read again, unless the time is due earlier."""


@dataclass(frozen=True, slots=True)
class Timepiece:
    """Gives the time and waits for a time. `midnight` is the time at which the simulation begins."""

    clock: Timekeeper
    midnight: datetime

    def now(self) -> datetime:
        """The time on the installation's clock."""
        return self.clock.at(datetime.now(UTC))

    async def until(self, moment: datetime) -> None:
        """Sleep until the clock shows `moment`. Each sleep is as long as the highest rate requires; then it reads the
        clock again."""
        while (left := (moment - self.now()).total_seconds()) > 0:  # noqa: ASYNC110 - no event tells the time
            await asyncio.sleep(max(left / self.clock.fastest, min(left / self.clock.rate, SHORTEST_SLEEP_SECONDS)))

    async def rest(self, span: timedelta) -> None:
        """Sleep while `span` passes on the clock."""
        await self.until(self.now() + span)


def next_monday(real: datetime, *, timezone: str) -> datetime:
    """The midnight at the start of the next week in this time zone, so that every run begins on a Monday."""
    local = real.astimezone(ZoneInfo(timezone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=7 - local.weekday())
