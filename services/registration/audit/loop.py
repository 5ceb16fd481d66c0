"""The sealer: one loop that links new entries into the chain."""

import asyncio
from datetime import datetime

from libs.chassis.database import Database, now
from libs.chassis.logs import get_logger
from services.registration.audit import actions, queries

log = get_logger(__name__, fields=("head", "seal_id"))
INTERVAL_SECONDS = 1.0
LIMIT = 20_000


async def seal_forever(stop: asyncio.Event, *, database: Database) -> None:
    """Seal what is final every second until told to stop; the head goes to the log as a witness outside."""
    while not stop.is_set():
        count = await seal_once(database)
        if count is not None and count >= LIMIT:
            continue
        try:
            await asyncio.wait_for(stop.wait(), INTERVAL_SECONDS)
        except TimeoutError:
            continue


async def seal_once(database: Database, *, sealed_at: datetime | None = None) -> int | None:
    """One link, in a transaction of its own; how many entries it covers, None while another sealer is at work."""
    async with database.transaction() as session:
        count = await actions.seal(session, sealed_at=sealed_at or now(session), limit=LIMIT)
        if count:
            last = await queries.last_seal(session)
            if last is not None:
                log.info("audit.sealed", seal_id=last.id, count=count, head=last.hash.hex())
        return count
