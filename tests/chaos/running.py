"""One run: load and faults at the same time, then rest, then the evidence and the verdict."""

import asyncio
from collections.abc import Sequence
from typing import Any

from tests.chaos.checker import Verdict, judge
from tests.chaos.evidence import Evidence
from tests.chaos.faults import MEAN_PAUSE_SECONDS, Breaker, plan
from tests.chaos.history import History
from tests.chaos.load import RATE, Load
from tests.chaos.planted import Plant, plant
from tests.chaos.reading import read_evidence
from tests.chaos.settling import at_rest
from tests.chaos.stage import Stage

CALM_SECONDS = 2.0
"""Load without faults before the first and after the last of them."""


class Run:
    """A run on a stage. Several may follow each other: what clients were told is kept over all of them."""

    def __init__(self, stage: Stage, *, seed: int, say: Any = lambda _: None) -> None:
        self._stage, self._seed, self._say = stage, seed, say
        self.history = History()
        self.load = Load(stage, self.history, seed=seed)

    async def torment(self, seconds: float, *, rate: float = RATE, mean_pause_s: float = MEAN_PAUSE_SECONDS) -> None:
        """Load for so many seconds, and the faults of the seed among it."""
        breaker = Breaker(self._stage, self.history)
        faults = plan(self._seed, seconds, mean_pause_s=mean_pause_s)
        self._say(f"{len(faults)} faults planned in {seconds:.0f} s")
        async with asyncio.TaskGroup() as group:
            group.create_task(self.load.run(seconds + 2 * CALM_SECONDS, rate=rate))
            await asyncio.sleep(CALM_SECONDS)
            group.create_task(breaker.run(faults))

    async def plant(self, plants: Sequence[Plant]) -> None:
        """Make the system misbehave on purpose."""
        if plants:
            self._say(f"planting: {', '.join(plants)}")
            await plant(self._stage, self.load, list(plants))

    async def verdict(self, *, patience_s: float) -> Verdict:
        """Wait until all is still, look, and judge."""
        self._say("waiting until everything has come to rest")

        async def read() -> Evidence:
            self._say("reading the evidence")
            return await read_evidence(self._stage, self.history)

        evidence, evidence.unsettled = await at_rest(
            self._stage, self.load, patience_s=patience_s, say=self._say, read=read
        )
        return await asyncio.to_thread(judge, evidence)

    async def close(self) -> None:
        """End the clients."""
        await self.load.close()
