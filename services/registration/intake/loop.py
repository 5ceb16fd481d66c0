"""Hashes facts that have an older form again: at every start, and every ten minutes."""

import asyncio
from functools import partial

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.chassis.rounds import Rounds
from services.registration.intake.actions.tellings import key_anew
from services.registration.vault.sealing import Vault

log = get_logger(__name__)
ROUNDS = Rounds(limit=500, pause_seconds=600, log_done=lambda count: log.info("told_facts.keyed", count=count))


async def key_forever(stop: asyncio.Event, *, database: Database, vault: Vault) -> None:
    """Repeat until `stop` is set."""
    await ROUNDS.run(stop, partial(key_anew, vault=vault), database=database)
