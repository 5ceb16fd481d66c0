"""Compares new and corrected people with others beside the intake, some seconds after the commit."""

import asyncio
import time
from typing import Final

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.waiting.pauses import is_set_within
from services.registration.linkage.priors import Priors
from services.registration.matching.actions.comparing import PORTION, compare_due
from services.registration.vault.sealing import Vault

log = get_logger(__name__)
PAUSE_SECONDS: Final = 1.0
SHARE: Final = 0.1
"""The share of its time that this loop works. Intake and the API run in the same process, and comparing is computing:
at a fiftieth of a second for one person, a tenth of the time is enough for 18,000 people in an hour. Who asks for the
matches of one person does not wait for this loop."""
LONGEST_PAUSE_SECONDS: Final = 2.0


async def compare_forever(stop: asyncio.Event, *, database: Database, vault: Vault, priors: Priors) -> None:
    """Compare until `stop` is set. Several processes may do it: one works at a time."""
    while not stop.is_set():
        began = time.monotonic()
        async with database.transaction() as session:
            count = await compare_due(session, limit=PORTION, vault=vault, priors=priors)
        if count:
            log.info("people.compared", count=count)
        await is_set_within(stop, pause_after(time.monotonic() - began) if count else PAUSE_SECONDS)


def pause_after(seconds: float) -> float:
    """The pause after a portion that took so many seconds."""
    return min(seconds * (1 / SHARE - 1), LONGEST_PAUSE_SECONDS)
