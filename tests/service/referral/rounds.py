"""A router as a process of its own, to be killed: `python -m tests.service.referral.rounds URL PACK`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from libs.chassis.clock import Clock
from libs.chassis.database import Database
from services.referral.pack.policy import load_policy
from services.referral.router.loop import Router


async def main(url: str, pack: str) -> None:
    """Rounds, for ever."""
    database = Database(url, clock=Clock(), application_name="rounds")
    await Router(database, load_policy(Path(pack)), dsn=url).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
