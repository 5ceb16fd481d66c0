"""The clock of the demo's installation: it keeps pace with real time but while days are let pass.

Such a clock is ahead of real time ever after, and a clock never goes back: the demo has a state directory of its own.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import asyncpg

from deploy.demo.world import World
from deploy.local.installation import ROOT, Installation
from deploy.local.locks import hold
from deploy.local.timekeeping import SCHEDULE
from libs.chassis.paced_clock import PacedClock, Schedule
from libs.chassis.walls import WORKS_FOR

PACK: Final = ROOT / "deploy" / "packs" / "demo"
RACES_AT: Final = 18_000.0
"""Seconds in a real second while days are let pass: five hours."""
ACTED_ON_WITHIN_SECONDS: Final = 300.0
LATE: Final = timedelta(seconds=2)
"""A clock that ran out longer ago than that waits for the machine."""
_OVERDUE: Final = "SELECT count(*) FROM timer WHERE due_at < $1"


def prepare(state: Path) -> tuple[Installation, Schedule]:
    """The demo's installation, with the schedule of its clock: that of an earlier run goes on from where it is now.

    Raises AlreadyRunningError where a demo runs from there, ClockFault where an earlier schedule can't be read.
    """
    path = state.resolve() / SCHEDULE
    path.parent.mkdir(parents=True, exist_ok=True)
    extra = {"ENLACE_CLOCK_RATE": repr(RACES_AT), "ENLACE_CLOCK_SCHEDULE": str(path)}
    installation = Installation(state=state, pack=PACK, extra=extra)
    with hold(installation.lock):  # another run's schedule is its own
        real = datetime.now(UTC)
        shows = PacedClock(path, fastest=RACES_AT).at(real) if path.exists() else real
        return installation, Schedule(path, shows=shows, rate=1.0, real=real)


@dataclass(frozen=True, slots=True)
class Pace:
    """Lets time pass on the installation's clock."""

    world: World
    schedule: Schedule

    async def pass_to(self, moment: datetime) -> None:
        """Race to this moment; return when every clock that ran out meanwhile has been acted on."""
        real = datetime.now(UTC)
        until = self.schedule.race(RACES_AT, to=moment, real=real)
        await asyncio.sleep((until - real).total_seconds())
        await self.acted_on()

    async def acted_on(self) -> None:
        """Return when no clock that has run out waits to be acted on. Raises TimeoutError."""
        async with asyncio.timeout(ACTED_ON_WITHIN_SECONDS):
            while await overdue(self.world.databases, self.world.now() - LATE):  # noqa: ASYNC110 - another process acts
                await asyncio.sleep(0.3)


async def overdue(databases: Mapping[str, str], before: datetime) -> int:
    """How many of referral's clocks ran out before this moment of the installation's and have not been acted on."""
    connection = await asyncpg.connect(
        databases["ENLACE_REFERRAL_DATABASE_URL"], server_settings={WORKS_FOR: "service"}
    )
    try:
        return int(await connection.fetchval(_OVERDUE, before))
    finally:
        await connection.close()
