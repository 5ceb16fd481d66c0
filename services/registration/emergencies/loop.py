"""Publishes how many emergencies wait for the review of the data protection officer, as a metric."""

import asyncio

from libs.chassis.database import Database
from libs.chassis.telemetry import meter
from libs.waiting.pauses import is_set_within
from services.registration.emergencies.queries import unreviewed_count

INTERVAL_SECONDS = 60.0
_UNREVIEWED = meter().create_gauge(
    "enlace.registration.emergencies_unreviewed",
    unit="{emergency}",
    description="Accesses in an emergency that the data protection officer has to review",
)


async def count_forever(stop: asyncio.Event, *, database: Database) -> None:
    """Count once a minute until `stop` is set."""
    while not stop.is_set():
        async with database.transaction() as session:
            _UNREVIEWED.set(await unreviewed_count(session))
        await is_set_within(stop, INTERVAL_SECONDS)
