"""Judges soft indicators, and the needs of people whose instrument nobody completed."""

import asyncio
from functools import partial

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.chassis.rounds import Rounds
from services.registration.answers.actions import judge_due
from services.registration.pack import Pack
from services.registration.vault.sealing import Vault

log = get_logger(__name__)
ROUNDS = Rounds(limit=50, pause_seconds=5, log_done=lambda count: log.info("answers.judged", count=count))
"""The number that is logged is that of saves, whatever followed from them."""


async def judge_forever(stop: asyncio.Event, *, database: Database, pack: Pack, vault: Vault) -> None:
    """Repeat until `stop` is set."""
    await ROUNDS.run(stop, partial(judge_due, pack=pack, vault=vault), database=database)
