"""Fires due clocks, each once, with any number of workers.

A worker reads due clocks without locks, locks their journeys with SKIP LOCKED, then locks the clocks and checks them
again. A second worker therefore finds the journey locked, or the clock removed.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import Database, shown
from libs.chassis.logs import get_logger
from libs.waiting.pauses import is_set_within
from services.referral.clocks import actions, queries
from services.referral.clocks.queries import Due
from services.referral.clocks.rules import TimerKind, Trust

BATCH_MAX: Final = 200
"""The maximum number of clocks that are fired in one transaction."""
HANDS: Final = 2
"""The number of batches at the same time. While one waits for the database, the other can compute."""
PAGES_MAX: Final = 16
"""The maximum number of batches that a worker reads to find clocks whose journeys are not locked."""
LONGEST_SLEEP_S: Final = 0.25
"""The longest pause in real seconds when nothing was due. A clock may become due during the pause."""

log = get_logger(__name__)

Claim = Callable[[AsyncSession, Collection[UUID]], Awaitable[set[UUID]]]
"""Locks the journeys that no other transaction holds, and returns their ids."""
Fire = Callable[[AsyncSession, Sequence[Due]], Awaitable[None]]
"""The action for clocks of one kind that have run out. Their journeys are already locked."""


class Clockwork:
    """The loop that fires due clocks. `app.py` gives it the function that locks journeys and the action for each
    kind."""

    def __init__(self, database: Database, *, claim: Claim, fire: Mapping[TimerKind, Fire]) -> None:
        missing = set(TimerKind) - set(fire)
        if missing:
            raise ValueError(f"no action for {sorted(missing)}")
        self._database = database
        self._claim = claim
        self._fire = fire

    async def run(self, stop: asyncio.Event) -> None:
        """Fire due clocks until told to stop, with up to `HANDS` batches at the same time."""
        trust = Trust(self._database.clock.fastest)
        hands = [asyncio.create_task(self._fire_on(stop, trust)) for _ in range(HANDS)]
        try:
            await asyncio.gather(*hands)  # raises the first error, so that readiness and the log show it
        finally:
            for hand in hands:
                hand.cancel()
            await asyncio.gather(*hands, return_exceptions=True)

    async def _fire_on(self, stop: asyncio.Event, trust: Trust) -> None:
        while not stop.is_set():
            if await self.fire_once(trust=trust) == 0:
                await is_set_within(stop, LONGEST_SLEEP_S)

    async def fire_once(self, *, limit: int = BATCH_MAX, trust: Trust | None = None) -> int:
        """Fire up to `limit` due clocks in one transaction. Returns how many were fired."""
        async with self._database.transaction() as session:
            at = shown(session) if trust is None else _believed(trust, shown(session))
            mine = await self._claim_due(session, at=at, limit=limit)
            if not mine:
                return 0
            firing = await actions.still_due(session, list(mine), at=at)
            by_kind: dict[TimerKind, list[Due]] = defaultdict(list)
            for key in firing:
                by_kind[key[1]].append(mine[key])
            # Clocks are removed before they fire, because the action may start the same clock again.
            await actions.finish(session, firing)
            for kind in sorted(by_kind):
                await self._fire[kind](session, by_kind[kind])
            return len(firing)

    async def _claim_due(self, session: AsyncSession, *, at: datetime, limit: int) -> dict[actions.Key, Due]:
        """The clocks that ran out first and whose journeys could be locked. If most of a batch is locked by others,
        the next batch is read too."""
        mine: dict[actions.Key, Due] = {}
        for page in range(PAGES_MAX):
            found = await queries.due(session, at=at, limit=limit, skip=page * limit)
            claimed = await self._claim(session, {one.returnee_id for one in found}) if found else set()
            mine |= {one.key: one for one in found if one.returnee_id in claimed}
            if len(found) < limit or len(mine) > limit // 2:
                break
        return mine


def _believed(trust: Trust, at: datetime) -> datetime:
    jumped_before = trust.jumped_at
    until = trust.until(at, machine_s=time.monotonic())
    if trust.jumped_at is not None and jumped_before is None:
        log.error("clocks.time_jumped", reason="the database's clock is ahead of the seconds that have passed")
    return until
