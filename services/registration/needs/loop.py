"""Moves restricted needs that are in clear into their store: at every start, and every ten minutes."""

import asyncio
from functools import partial

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.chassis.rounds import Rounds
from services.registration.needs.actions.moving import move_restricted
from services.registration.pack import Pack
from services.registration.vault.sealing import Vault

log = get_logger(__name__)
ROUNDS = Rounds(limit=100, pause_seconds=600, log_done=lambda count: log.info("restricted_needs.moved", count=count))


async def move_forever(stop: asyncio.Event, *, database: Database, pack: Pack, vault: Vault) -> None:
    """Repeat until `stop` is set: processes of an older version may write in clear until they end."""
    await ROUNDS.run(stop, partial(move_restricted, categories=pack.routing.restricted, vault=vault), database=database)
