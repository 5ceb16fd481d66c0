"""Lets the names of people announced but not met age out (domain P17); seals words of batches that stand in clear."""

import asyncio
from functools import partial

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.chassis.rounds import Rounds, work_forever
from services.registration.arrivals.actions import let_manifests_age_out
from services.registration.arrivals.references import seal_batches
from services.registration.vault.sealing import MasterKey, Vault

log = get_logger(__name__)
ROUNDS = Rounds(limit=50, pause_seconds=600)
WORDS = Rounds(limit=500, pause_seconds=600)


async def age_out_forever(stop: asyncio.Event, *, database: Database, vault: Vault) -> None:
    """Look every ten minutes until told to stop."""
    await work_forever(
        stop,
        database=database,
        rounds=ROUNDS,
        work=partial(let_manifests_age_out, vault=vault, limit=ROUNDS.limit),
        told=lambda count: log.info("manifests.aged_out", count=count),
    )


async def seal_forever(stop: asyncio.Event, *, database: Database, master: MasterKey) -> None:
    """At every start and every ten minutes until told to stop: older processes may write in clear until they end."""
    await work_forever(
        stop,
        database=database,
        rounds=WORDS,
        work=partial(seal_batches, master=master, limit=WORDS.limit),
        told=lambda count: log.info("arrival_batches.sealed", count=count),
    )
