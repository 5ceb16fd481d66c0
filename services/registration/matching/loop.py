"""Compares new and corrected people with others, within a second or two of the commit."""

import asyncio
from functools import partial
from typing import Final

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.chassis.rounds import Rounds
from services.registration.linkage.priors import Priors
from services.registration.matching.actions.comparing import PORTION, compare_due
from services.registration.vault.sealing import Vault

log = get_logger(__name__)
ROUNDS: Final = Rounds(limit=PORTION, pause_seconds=1, log_done=lambda count: log.info("people.compared", count=count))


async def compare_forever(stop: asyncio.Event, *, database: Database, vault: Vault, priors: Priors) -> None:
    """Compare until `stop` is set. Several processes may do it: one works at a time."""
    await ROUNDS.run(stop, partial(compare_due, vault=vault, priors=priors), database=database)
