"""Seals references of who took a consent that stand in clear: at every start, and every ten minutes."""

import asyncio
from functools import partial

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.chassis.rounds import Rounds, work_forever
from services.registration.consent.references import seal_staff_references
from services.registration.vault.sealing import Vault

log = get_logger(__name__)
ROUNDS = Rounds(limit=500, pause_seconds=600)


async def seal_forever(stop: asyncio.Event, *, database: Database, vault: Vault) -> None:
    """Until told to stop: older processes may write them in clear until they end."""
    await work_forever(
        stop,
        database=database,
        rounds=ROUNDS,
        work=partial(seal_staff_references, vault=vault, limit=ROUNDS.limit),
        told=lambda count: log.info("staff_references.sealed", count=count),
    )
