"""Makes the hashes anew by which people are found, after the form in which names are compared has changed."""

import asyncio

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from services.registration.people.indexing import index_anew
from services.registration.vault.sealing import Vault

log = get_logger(__name__)
INTERVAL_SECONDS = 600.0
LIMIT = 500


async def index_forever(stop: asyncio.Event, *, database: Database, vault: Vault) -> None:
    """At start and every ten minutes until told to stop: older processes may write the old form until they end."""
    while not stop.is_set():
        async with database.transaction() as session:
            count = await index_anew(session, vault=vault, limit=LIMIT)
        if count:
            log.info("names.indexed", count=count)
        if count == LIMIT:
            continue
        try:
            await asyncio.wait_for(stop.wait(), INTERVAL_SECONDS)
        except TimeoutError:
            continue
