"""Waits until all earlier events are published and consumed, so that they do not affect the next measurement."""

from typing import Final

import asyncpg

from bench.chain import PATIENCE_SECONDS, Running
from bench.measuring import until
from libs.events.lag import lag_of

SERVICES: Final = ("REGISTRATION", "REFERRAL", "DIRECTORY", "NOTIFICATIONS")


async def rest(running: Running) -> None:
    """Return when no event waits in an outbox and no consumer is behind. Raises TimeoutError."""
    bootstrap_servers = running.system.environment["KAFKA_BOOTSTRAP_SERVERS"]

    async def resting() -> bool:
        for service in SERVICES:
            connection = await asyncpg.connect(running.url(service))
            try:
                if await connection.fetchval("SELECT count(*) FROM outbox"):
                    return False
                if any(one.records for one in await lag_of(connection, bootstrap_servers)):
                    return False
            finally:
                await connection.close()
        return True

    await until(resting, what="rest", within_s=PATIENCE_SECONDS)
