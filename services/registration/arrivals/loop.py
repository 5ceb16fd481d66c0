"""Lets the names of people announced but not met age out (domain P17)."""

import asyncio
from functools import partial

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.chassis.rounds import Rounds, work_forever
from services.registration.arrivals.actions import let_manifests_age_out
from services.registration.vault.sealing import Vault

log = get_logger(__name__)
ROUNDS = Rounds(limit=50, pause_seconds=600)


async def age_out_forever(stop: asyncio.Event, *, database: Database, vault: Vault) -> None:
    """Look every ten minutes until told to stop."""
    await work_forever(
        stop,
        database=database,
        rounds=ROUNDS,
        work=partial(let_manifests_age_out, vault=vault, limit=ROUNDS.limit),
        told=lambda count: log.info("manifests.aged_out", count=count),
    )
