"""Acts on consents that end by themselves: who fetched a packet under one is asked to delete it (domain P4)."""

import asyncio

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from services.registration.pack import Pack
from services.registration.packets.lapses import act_on_ended_consents

log = get_logger(__name__)
INTERVAL_SECONDS = 60.0
LIMIT = 50


async def act_on_ended_forever(stop: asyncio.Event, *, database: Database, pack: Pack) -> None:
    """Look every minute until told to stop."""
    while not stop.is_set():
        async with database.transaction() as session:
            count = await act_on_ended_consents(session, pack=pack, limit=LIMIT)
        if count:
            log.info("consents.ended", count=count)
        if count == LIMIT:
            continue
        try:
            await asyncio.wait_for(stop.wait(), INTERVAL_SECONDS)
        except TimeoutError:
            continue
