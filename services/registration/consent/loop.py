"""Seals references of the staff who took a consent that are in clear: at every start, and every ten minutes."""

import asyncio
from functools import partial

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.chassis.rounds import Rounds
from services.registration.consent.actions.consents import seal_staff_references
from services.registration.vault.sealing import Vault

log = get_logger(__name__)
ROUNDS = Rounds(limit=500, pause_seconds=600, log_done=lambda count: log.info("staff_references.sealed", count=count))


async def seal_forever(stop: asyncio.Event, *, database: Database, vault: Vault) -> None:
    """Repeat until `stop` is set: processes of an older version may write in clear until they end."""
    await ROUNDS.run(stop, partial(seal_staff_references, vault=vault), database=database)
