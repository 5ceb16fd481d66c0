"""Fires due clocks, each once, with any number of workers.

Due clocks are found unlocked, their journeys claimed with SKIP LOCKED, the clocks locked last and looked at again: a
worker that comes second finds the journey locked, or the clock gone.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import Database, now
from services.referral.clocks import actions, queries
from services.referral.clocks.queries import Due
from services.referral.clocks.tables import TimerKind

BATCH_MAX: Final = 500
"""Clocks fired in one transaction at the most."""
LONGEST_SLEEP_S: Final = 0.25
"""Real seconds between two looks at the most; the next due clock may be nearer."""

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
        """Fire what is due until told to stop."""
        while not stop.is_set():
            if await self.fire_once() == 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), LONGEST_SLEEP_S)

    async def fire_once(self, *, limit: int = BATCH_MAX) -> int:
        """One transaction: fire up to `limit` due clocks; returns how many fired."""
        async with self._database.transaction() as session:
            at = now(session)
            found = await queries.due(session, at=at, limit=limit)
            if not found:
                return 0
            claimed = await self._claim(session, {one.returnee_id for one in found})
            mine = {one.key: one for one in found if one.returnee_id in claimed}
            firing = await actions.still_due(session, list(mine), at=at)
            by_kind: dict[TimerKind, list[Due]] = defaultdict(list)
            for key in firing:
                by_kind[key[1]].append(mine[key])
            # Removed before they fire: what fires may start the same clock anew.
            await actions.finish(session, firing)
            for kind in sorted(by_kind):
                await self._fire[kind](session, by_kind[kind])
            return len(firing)
