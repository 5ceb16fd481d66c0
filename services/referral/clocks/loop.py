"""Fires due clocks, each once, with any number of workers.

Due clocks are found unlocked, their journeys claimed with SKIP LOCKED, the clocks locked last and looked at again: a
worker that comes second finds the journey locked, or the clock gone.
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
"""Clocks fired in one transaction at the most."""
HANDS: Final = 2
"""Batches under way at a time: one waits for the database while another is decided."""
PAGES_MAX: Final = 16
"""How many batches a worker looks past because others are at them."""
LONGEST_SLEEP_S: Final = 0.25
"""Real seconds between two looks at the most; the next due clock may be nearer."""

log = get_logger(__name__)

Claim = Callable[[AsyncSession, Collection[UUID]], Awaitable[set[UUID]]]
"""Locks the journeys that nobody holds and returns them."""
Fire = Callable[[AsyncSession, Sequence[Due]], Awaitable[None]]
"""What to do when clocks of one kind run out; their journeys are locked."""


class Clockwork:
    """The loop that fires what is due. `app.py` hands it the claim and the action for each kind."""

    def __init__(self, database: Database, *, claim: Claim, fire: Mapping[TimerKind, Fire]) -> None:
        missing = set(TimerKind) - set(fire)
        if missing:
            raise ValueError(f"no action for {sorted(missing)}")
        self._database = database
        self._claim = claim
        self._fire = fire

    async def run(self, stop: asyncio.Event) -> None:
        """Fire what is due until told to stop, several batches at a time where much is due."""
        trust = Trust(self._database.clock.fastest)
        hands = [asyncio.create_task(self._fire_on(stop, trust)) for _ in range(HANDS)]
        try:
            await asyncio.gather(*hands)  # raises what the first one raised, by which readiness and the log name it
        finally:
            for hand in hands:
                hand.cancel()
            await asyncio.gather(*hands, return_exceptions=True)

    async def _fire_on(self, stop: asyncio.Event, trust: Trust) -> None:
        while not stop.is_set():
            if await self.fire_once(trust=trust) == 0:
                await is_set_within(stop, LONGEST_SLEEP_S)

    async def fire_once(self, *, limit: int = BATCH_MAX, trust: Trust | None = None) -> int:
        """One transaction: fire up to `limit` due clocks; returns how many fired."""
        async with self._database.transaction() as session:
            at = shown(session) if trust is None else _believed(trust, shown(session))
            mine = await self._claim_due(session, at=at, limit=limit)
            if not mine:
                return 0
            firing = await actions.still_due(session, list(mine), at=at)
            by_kind: dict[TimerKind, list[Due]] = defaultdict(list)
            for key in firing:
                by_kind[key[1]].append(mine[key])
            # Removed before they fire: what fires may start the same clock anew.
            await actions.finish(session, firing)
            for kind in sorted(by_kind):
                await self._fire[kind](session, by_kind[kind])
            return len(firing)

    async def _claim_due(self, session: AsyncSession, *, at: datetime, limit: int) -> dict[actions.Key, Due]:
        """What ran out first and nobody else is at. Where others hold most of that, what ran out next as well."""
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
