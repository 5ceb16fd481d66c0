"""Retention: notifications and the log of their deliveries are deleted after 30 days."""

import asyncio

from libs.chassis.database import Database
from libs.waiting.pauses import is_set_within
from services.notifications.deliveries.actions.deliveries import purge_deliveries
from services.notifications.inbox.actions import purge_notifications
from services.notifications.inbox.rules import RETENTION

PURGE_SECONDS = 600.0


class Retention:
    """Deletes old rows in small transactions, every ten minutes of real time. Any number of processes may run it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, stop: asyncio.Event) -> None:
        """Delete old rows until `stop` is set."""
        while not stop.is_set():
            while await self.purge_once() and not stop.is_set():
                pass
            await is_set_within(stop, PURGE_SECONDS)

    async def purge_once(self) -> int:
        """Delete as many old rows as one transaction may; return their number."""
        async with self._database.transaction() as session:
            deliveries = await purge_deliveries(session, older_than=RETENTION)
            return deliveries + await purge_notifications(session, older_than=RETENTION)
