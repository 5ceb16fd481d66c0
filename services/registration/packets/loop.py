"""Acts on consents that expire: organisations that fetched a packet under one are asked to delete it (domain P4)."""

import asyncio
from functools import partial

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.chassis.rounds import Rounds
from services.registration.pack import Pack
from services.registration.packets.actions.lapses import act_on_ended_consents

log = get_logger(__name__)
ROUNDS = Rounds(limit=50, pause_seconds=60, log_done=lambda count: log.info("consents.ended", count=count))


async def act_on_ended_forever(stop: asyncio.Event, *, database: Database, pack: Pack) -> None:
    """Repeat every minute until `stop` is set."""
    await ROUNDS.run(stop, partial(act_on_ended_consents, pack=pack), database=database)
