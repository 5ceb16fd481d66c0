"""Lets the names of people announced but not met age out (domain P17)."""

import asyncio

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from services.registration.arrivals.actions import let_manifests_age_out
from services.registration.vault.sealing import Vault

log = get_logger(__name__)
INTERVAL_SECONDS = 600.0
LIMIT = 50


async def age_out_forever(stop: asyncio.Event, *, database: Database, vault: Vault) -> None:
    """Look every ten minutes until told to stop."""
    while not stop.is_set():
        async with database.transaction() as session:
            count = await let_manifests_age_out(session, vault=vault, limit=LIMIT)
        if count:
            log.info("manifests.aged_out", count=count)
        if count == LIMIT:
            continue
        try:
            await asyncio.wait_for(stop.wait(), INTERVAL_SECONDS)
        except TimeoutError:
            continue
