"""Ageing out: what an organisation was told, and the log of its deliveries, is forgotten after 30 days."""

import asyncio

from libs.chassis.database import Database
from libs.waiting.pauses import is_set_within
from services.notifications.deliveries.actions.deliveries import purge_deliveries
from services.notifications.inbox.actions import purge_notifications
from services.notifications.inbox.rules import RETENTION

PURGE_SECONDS = 600.0


class Retention:
    """Forgets in small transactions, once in ten minutes of real time. Any number of processes may do it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, stop: asyncio.Event) -> None:
        """Forget what is old until `stop` is set."""
        while not stop.is_set():
            while await self.purge_once() and not stop.is_set():
                pass
            await is_set_within(stop, PURGE_SECONDS)

    async def purge_once(self) -> int:
        """One transaction's worth; how many rows were forgotten."""
        async with self._database.transaction() as session:
            deliveries = await purge_deliveries(session, older_than=RETENTION)
            return deliveries + await purge_notifications(session, older_than=RETENTION)
