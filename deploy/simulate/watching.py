"""Checks the invariants regularly while the simulation runs, and prints a line of figures from time to time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from deploy.demo.client import Caller, CallError
from deploy.demo.promise import invariants
from deploy.simulate.tally import Tally
from deploy.simulate.timing import Timepiece

LOOKS_EVERY_SECONDS: Final = 5.0
TELLS_EVERY: Final = timedelta(hours=6)


@dataclass
class Watch:
    """Reads the promises while the simulation runs, and keeps the worst result of each."""

    steward: Caller
    url: str
    timepiece: Timepiece
    tally: Tally
    say: Callable[[str], None]
    looks: int = 0
    worst: dict[str, int] = field(default_factory=dict)
    """For each promise: the highest number of violations that was read."""

    async def run(self) -> None:
        """Read the promises regularly until cancelled."""
        tell_at = self.timepiece.midnight
        while True:
            try:
                await self.look()
                if self.timepiece.now() >= tell_at:
                    tell_at = self.timepiece.now() + TELLS_EVERY
                    await self._tell()
            except CallError as error:
                self.tally.fail(error)
            await asyncio.sleep(LOOKS_EVERY_SECONDS)

    async def look(self) -> dict[str, Any]:
        """Read the promises once."""
        found = await invariants(self.steward, url=self.url)
        self.looks += 1
        for one in found["promises"]:
            self.worst[one["name"]] = max(self.worst.get(one["name"], 0), one["violations"])
        return found

    async def _tell(self) -> None:
        """Print a line of figures. Counts that are suppressed because they are small are not included."""
        found = await self.steward.get(f"{self.url}/v1/statistics")
        named = ("needs", "open", "owned", "met", "closed")
        words = {name: sum(one[name] or 0 for one in found["categories"]) for name in named}
        day = (self.timepiece.now() - self.timepiece.midnight) / timedelta(days=1)
        told = ", ".join(f"{name} {number}" for name, number in words.items())
        self.say(f"day {day:.1f}: {told}; at most {self.worst['every_open_need_is_attended']} unattended in any check")
