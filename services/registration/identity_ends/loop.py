"""Checks the clocks of identity data, and publishes how many people wait for the data protection officer."""

import asyncio
from functools import partial

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.chassis.rounds import Rounds
from libs.chassis.telemetry import meter
from services.registration.identity_ends.actions import check_clocks
from services.registration.identity_ends.queries import due_count

log = get_logger(__name__)
ROUNDS = Rounds(limit=100, pause_seconds=60, log_done=lambda count: log.info("identity_clocks.checked", count=count))
MOST_COUNTED = 10_000
_DUE = meter().create_gauge(
    "enlace.registration.identity_ends_due",
    unit="{person}",
    description="People whose identity data have reached their end and wait for a decision; at most 10,000 are counted",
)


async def check_forever(stop: asyncio.Event, *, database: Database, days: int) -> None:
    """Repeat until `stop` is set: once a minute, and at once while there is more to check."""
    await ROUNDS.run(stop, partial(_check, days=days), database=database)


async def _check(session: AsyncSession, /, *, limit: int, days: int) -> int:
    count = await check_clocks(session, days=days, limit=limit)
    _DUE.set(await due_count(session, most=MOST_COUNTED))
    return count
