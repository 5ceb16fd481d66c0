"""Deletes the reasons of exports that have ended (domain P20)."""

import asyncio

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.chassis.rounds import Rounds
from services.registration.exports.actions.ending import forget_reasons

log = get_logger(__name__)
ROUNDS = Rounds(limit=100, pause_seconds=600, log_done=lambda count: log.info("exports.ended", count=count))


async def end_forever(stop: asyncio.Event, *, database: Database) -> None:
    """Repeat every ten minutes until `stop` is set."""
    await ROUNDS.run(stop, forget_reasons, database=database)
