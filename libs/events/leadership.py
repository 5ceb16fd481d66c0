"""One relay per database leads: an advisory lock on a direct connection, and an epoch that only its leader knows.

The lock ends with the connection, so a leader that is cut off is replaced; the epoch tells it so when it comes back.
A pooler between relay and server would share the lock with strangers: the connection must be direct.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    Connection = asyncpg.Connection[Any]
else:
    Connection = asyncpg.Connection

_LOCK = (0x656E6C61, 1)  # "enla"; the number keeps other advisory locks of the same database apart
_RETRY_SECONDS = 0.5

_SERVER_SETTINGS = {
    "application_name": "enlace-relay",
    "statement_timeout": "30s",
    "timezone": "UTC",
    # Plans for arrays of thousands and for arrays of one differ; a generic one would guess ten.
    "plan_cache_mode": "force_custom_plan",
    # A leader whose host is gone must lose the lock in seconds, not in hours.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}


class LeadershipLostError(Exception):
    """Another relay leads now: nothing more may be retired under this epoch."""


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Connection]:
    """A direct connection for a leader, closed at the end within seconds."""
    connection = await asyncpg.connect(dsn, timeout=5, command_timeout=30, server_settings=_SERVER_SETTINGS)
    try:
        yield connection
    finally:
        with contextlib.suppress(Exception):
            await connection.close(timeout=2)
        connection.terminate()


async def lead(
    connection: Connection, stop: asyncio.Event, *, owner: str, on_standby: Callable[[], None] = lambda: None
) -> int | None:
    """Wait until this connection leads; its epoch, or None if `stop` was set first.

    `on_standby` is called when another one leads now.
    """
    while not stop.is_set():
        if await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", *_LOCK):
            epoch: int = await connection.fetchval(
                "UPDATE outbox_leader SET epoch = epoch + 1, owner = $1, since = now() RETURNING epoch", owner
            )
            return epoch
        on_standby()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _RETRY_SECONDS)
    return None
