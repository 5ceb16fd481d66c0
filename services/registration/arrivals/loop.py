"""Deletes the names of people who were announced but not met (domain P17), and seals words of batches that are in
clear."""

import asyncio
from functools import partial

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.chassis.rounds import Rounds
from services.registration.arrivals.actions.batches import let_manifests_age_out
from services.registration.arrivals.actions.references import seal_batches
from services.registration.vault.sealing import MasterKey, Vault

log = get_logger(__name__)
ROUNDS = Rounds(limit=50, pause_seconds=600, log_done=lambda count: log.info("manifests.aged_out", count=count))
WORDS = Rounds(limit=500, pause_seconds=600, log_done=lambda count: log.info("arrival_batches.sealed", count=count))


async def age_out_forever(stop: asyncio.Event, *, database: Database, vault: Vault) -> None:
    """Repeat every ten minutes until `stop` is set."""
    await ROUNDS.run(stop, partial(let_manifests_age_out, vault=vault), database=database)


async def seal_forever(stop: asyncio.Event, *, database: Database, master: MasterKey) -> None:
    """Repeat at the start and every ten minutes until `stop` is set: processes of an older version may write in clear
    until they end."""
    await WORDS.run(stop, partial(seal_batches, master=master), database=database)
