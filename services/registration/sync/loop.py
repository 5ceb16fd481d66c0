"""Deletes old results of operations, and publishes the number of conflicts that wait for a person."""

import asyncio
from functools import partial

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.chassis.rounds import Rounds
from libs.chassis.telemetry import meter
from services.registration.sync.actions.ageing import let_results_age_out
from services.registration.sync.queries import open_count

log = get_logger(__name__)
ROUNDS = Rounds(limit=500, pause_seconds=60, log_done=lambda count: log.info("sync.aged_out", count=count))
_OPEN = meter().create_gauge(
    "enlace.registration.sync_conflicts",
    unit="{conflict}",
    description="Conflicts between two changes of one field that wait for a person",
)


async def tidy_forever(stop: asyncio.Event, *, database: Database, days: int) -> None:
    """Repeat until `stop` is set: once a minute, and at once while there is more to delete."""
    await ROUNDS.run(stop, partial(_tidy, days=days), database=database)


async def _tidy(session: AsyncSession, /, *, limit: int, days: int) -> int:
    _OPEN.set(await open_count(session))
    return await let_results_age_out(session, limit=limit, days=days)
