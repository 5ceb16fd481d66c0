"""Continues hand-overs that are too large for one transaction."""

import asyncio
from typing import Final

from libs.chassis.database import Database
from libs.waiting.pauses import is_set_within
from services.referral.ownership import actions
from services.referral.pack.policy import RoutingPolicy

PAUSE_S: Final = 1.0
"""Real seconds between two checks when there is nothing to transfer."""


class HandOvers:
    """The loop over unfinished hand-overs. Any number of workers may run it; each takes one hand-over at a time."""

    def __init__(self, database: Database, policy: RoutingPolicy) -> None:
        self._database = database
        self._policy = policy

    async def run(self, stop: asyncio.Event) -> None:
        """Transfer needs until told to stop."""
        while not stop.is_set():
            if not await self.move_once():
                await is_set_within(stop, PAUSE_S)

    async def move_once(self) -> bool:
        """Transfer one part of one hand-over in one transaction. False if there is none."""
        async with self._database.transaction() as session:
            return await actions.go_on(session, self._policy)
