"""The clocks' loop as a process of its own, to be killed: `python -m tests.service.referral.firing URL PACK NAME`."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.clock import Clock
from libs.chassis.database import Database
from services.referral.app import clockwork
from services.referral.clocks.loop import Fire
from services.referral.clocks.queries import Due
from services.referral.pack.policy import load_policy

REST_SECONDS = 0.5
"""How long a transaction rests once it has written, so that there is something to kill."""


def resting(fire: Fire) -> Fire:
    """Everything is written and nothing committed for a while; a line says so."""

    async def fire_and_rest(session: AsyncSession, due: Sequence[Due]) -> None:
        await fire(session, due)
        print("resting", flush=True)
        await asyncio.sleep(REST_SECONDS)

    return fire_and_rest


async def main(url: str, pack: str, name: str) -> None:
    """Fire until killed, or told to stop by SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    database = Database(url, clock=Clock(), application_name=name, pool_size=1)
    worker = clockwork(database, load_policy(Path(pack)))
    worker._fire = {kind: resting(fire) for kind, fire in worker._fire.items()}
    await worker.run(stop)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
