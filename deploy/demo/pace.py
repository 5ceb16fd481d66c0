"""The clock of the demo's installation. It runs at most at the speed of real time, except when the demo lets days pass.

After that, this clock is ahead of real time, and a clock must not go back. So the demo has its own state directory.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import asyncpg

from deploy.demo.own_pack import write_own_pack
from deploy.demo.world import World
from deploy.local.installation import DEFAULT_PACK, Installation
from deploy.local.locks import hold
from deploy.local.timekeeping import SCHEDULE
from libs.chassis.paced_clock import PacedClock, Schedule
from libs.chassis.walls import WORKS_FOR

OWN_PACK: Final = "pack"
"""The folder with the demo's pack, in its state directory."""
RACES_AT: Final = 18_000.0
"""How many seconds pass on the clock in one real second while the demo lets days pass: five hours."""
ACTED_ON_WITHIN_SECONDS: Final = 300.0
LATE: Final = timedelta(seconds=2)
"""If a deadline passed longer ago than this and is not handled, the machine is late with it."""
_OVERDUE: Final = "SELECT count(*) FROM timer WHERE due_at < $1"


def prepare(state: Path, pack: Path = DEFAULT_PACK) -> tuple[Installation, Schedule]:
    """The demo's installation and the schedule of its clock. After an earlier run, the clock continues from its time.

    Raises AlreadyRunningError if a demo with this state is running, ClockFault if an earlier schedule cannot be read,
    OtherCountryError if the state belongs to another country, and FaultyFileError for a mistake in the pack.
    """
    path = state.resolve() / SCHEDULE
    path.parent.mkdir(parents=True, exist_ok=True)
    extra = {"ENLACE_CLOCK_RATE": repr(RACES_AT), "ENLACE_CLOCK_SCHEDULE": str(path)}
    installation = Installation(state=state, pack=state / OWN_PACK, extra=extra, console=True)
    with hold(installation.lock):  # The pack and the schedule of a demo that is running must not be changed.
        write_own_pack(pack, installation.pack)
        real = datetime.now(UTC)
        shows = PacedClock(path, fastest=RACES_AT).at(real) if path.exists() else real
        return installation, Schedule(path, shows=shows, rate=1.0, real=real)


@dataclass(frozen=True, slots=True)
class Pace:
    """Lets time pass on the installation's clock."""

    world: World
    schedule: Schedule

    async def pass_to(self, moment: datetime) -> None:
        """Let the clock run fast until this moment; returns when every deadline that passed has been handled."""
        real = datetime.now(UTC)
        until = self.schedule.race(RACES_AT, to=moment, real=real)
        await asyncio.sleep((until - real).total_seconds())
        await self.acted_on()

    async def acted_on(self) -> None:
        """Return when no passed deadline waits to be handled. Raises TimeoutError."""
        async with asyncio.timeout(ACTED_ON_WITHIN_SECONDS):
            while await overdue(self.world.databases, self.world.now() - LATE):  # noqa: ASYNC110 - another process acts
                await asyncio.sleep(0.3)


async def overdue(databases: Mapping[str, str], before: datetime) -> int:
    """The number of referral's deadlines before this moment of the installation's clock that are not handled yet."""
    connection = await asyncpg.connect(
        databases["ENLACE_REFERRAL_DATABASE_URL"], server_settings={WORKS_FOR: "service"}
    )
    try:
        return int(await connection.fetchval(_OVERDUE, before))
    finally:
        await connection.close()
