"""Goes on with hand-overs that are larger than one transaction should be."""

import asyncio
from typing import Final

from libs.chassis.database import Database
from libs.waiting.pauses import is_set_within
from services.referral.ownership import actions
from services.referral.pack.policy import RoutingPolicy

PAUSE_S: Final = 1.0
"""Real seconds between two looks when nothing is left to move."""


class HandOvers:
    """The loop over unfinished hand-overs; any number of workers, each takes one at a time."""

    def __init__(self, database: Database, policy: RoutingPolicy) -> None:
        self._database = database
        self._policy = policy

    async def run(self, stop: asyncio.Event) -> None:
        """Move what is left until told to stop."""
        while not stop.is_set():
            if not await self.move_once():
                await is_set_within(stop, PAUSE_S)

    async def move_once(self) -> bool:
        """One transaction: move one part of one hand-over; False if none is left."""
        async with self._database.transaction() as session:
            return await actions.go_on(session, self._policy)
