"""Publishes the number of doubtful parts that wait for a review, as a metric."""

import asyncio

from libs.chassis.database import Database
from libs.chassis.telemetry import meter
from libs.waiting.pauses import is_set_within
from services.registration.doubts.queries import open_counts

INTERVAL_SECONDS = 60.0
_OPEN = meter().create_gauge(
    "enlace.registration.doubtful_parts",
    unit="{part}",
    description="Parts of arrival events that wait for a review, by whether they are urgent",
)


async def count_forever(stop: asyncio.Event, *, database: Database) -> None:
    """Count once a minute until `stop` is set."""
    while not stop.is_set():
        async with database.transaction() as session:
            count, urgent = await open_counts(session)
        _OPEN.set(urgent, {"enlace.urgent": True})
        _OPEN.set(count - urgent, {"enlace.urgent": False})
        await is_set_within(stop, INTERVAL_SECONDS)
