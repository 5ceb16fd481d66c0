"""Renews the hashes by which people are found, after the form in which names are compared has changed."""

import asyncio
from functools import partial

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.chassis.rounds import Rounds
from services.registration.people.actions.indexing import index_anew
from services.registration.vault.sealing import Vault

log = get_logger(__name__)
ROUNDS = Rounds(limit=500, pause_seconds=600, log_done=lambda count: log.info("names.indexed", count=count))


async def index_forever(stop: asyncio.Event, *, database: Database, vault: Vault) -> None:
    """Repeat at the start and every ten minutes until `stop` is set: processes of an older version may write the old
    form until they end."""
    await ROUNDS.run(stop, partial(index_anew, vault=vault), database=database)
