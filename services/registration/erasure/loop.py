"""Synchronises both lists of erased people: at every start, and every hour."""

import asyncio

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.waiting.pauses import is_set_within
from services.registration.erasure.actions import let_arrival_keys_age_out, replay_erasures
from services.registration.pack import Pack
from services.registration.vault.sealing import Vault

log = get_logger(__name__)
INTERVAL_SECONDS = 3600.0


async def replay_forever(stop: asyncio.Event, *, database: Database, pack: Pack, vault: Vault) -> None:
    """Repeat until `stop` is set."""
    while not stop.is_set():
        async with database.transaction() as session:
            count = await replay_erasures(session, pack=pack, vault=vault)
            await let_arrival_keys_age_out(session, vault, days=pack.reception.retention.arrival_key_days)
        if count:
            log.warning("erasures.replayed", count=count)
        await is_set_within(stop, INTERVAL_SECONDS)
