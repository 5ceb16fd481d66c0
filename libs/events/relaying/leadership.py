"""One relay per database leads: an advisory lock on a direct connection, and an epoch that only its leader knows.

The lock ends with the connection, so a leader that is gone is replaced. One that lives but is silent (stopped, stuck,
behind a network that lost it) keeps its connection: a candidate ends that session after `SILENCE_SECONDS`. A leader
speaks to PostgreSQL more often than that, and sends nothing once it hasn't been answered for a part of that time. So
a successor begins when its predecessor has ceased; the epoch refuses whatever the predecessor would still retire.
A pooler between relay and server would share the lock with strangers: the connection must be direct.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from libs.events.observing.reporting import report
from libs.events.postgres import Connection
from libs.events.processes.ending import end
from libs.waiting.pauses import is_set_within

log = logging.getLogger(__name__)

_LOCK = (0x656E6C61, 1)  # "enla"; the number keeps other advisory locks of the same database apart
_RETRY_SECONDS = 0.5
SILENCE_SECONDS = 10.0
"""A leader that has said nothing to PostgreSQL for so long is replaced; at most a second later another one leads."""
LEASE_SHARE = 0.6
"""After this part of it without an answer a leader sends nothing more."""
HEARTBEAT_SHARE = 0.2
"""It asks for an answer as often as this part of it, however long Kafka takes."""

T = TypeVar("T")

HELD_LOOK_SECONDS = 0.5
"""So often a leader looks whether a person holds the relay."""
_BEGIN = """
    UPDATE outbox_leader SET epoch = epoch + 1, owner = $1, since = now() WHERE held_since IS NULL RETURNING epoch
"""

# A statement that runs is no silence, it has a timeout of its own; one whose result nobody takes is.
_END_SILENT_LEADER = """
    SELECT count(pg_terminate_backend(a.pid))
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1::bigint::oid AND l.objid = $2::bigint::oid
        AND l.objsubid = 2
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND clock_timestamp() - a.state_change > $3::float8 * interval '1 second'
        AND (a.state LIKE 'idle%' OR a.wait_event_type = 'Client')
"""

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


class Leadership:
    """A leader's epoch, and how long ago PostgreSQL has last answered it."""

    def __init__(self, connection: Connection, epoch: int, *, silence_seconds: float = SILENCE_SECONDS) -> None:
        self.epoch = epoch
        self._connection = connection
        self._lease_seconds = silence_seconds * LEASE_SHARE
        self._heartbeat_seconds = silence_seconds * HEARTBEAT_SHARE
        self._proven_at = time.monotonic()
        self._looked_at = 0.0

    @property
    def holds(self) -> bool:
        """Whether nobody else can lead yet: the last answer is young enough."""
        return time.monotonic() - self._proven_at < self._lease_seconds

    @asynccontextmanager
    async def proof(self) -> AsyncIterator[None]:
        """Statements inside prove the leadership as of their beginning, if they succeed."""
        began = time.monotonic()
        yield
        self._proven_at = began

    async def is_held(self) -> bool:
        """Whether a person wants the relay to hold; asked now and then only."""
        if time.monotonic() - self._looked_at < HELD_LOOK_SECONDS:
            return False
        self._looked_at = time.monotonic()
        held: bool = await self._connection.fetchval("SELECT held_since IS NOT NULL FROM outbox_leader")
        return held

    async def while_held(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns; when the lease ends meanwhile, `work` is cancelled and this is a `LeadershipLostError`.

        It has the connection for itself: `work` may not use it.
        """
        task = asyncio.create_task(work)
        try:
            while not (await asyncio.wait({task}, timeout=self._heartbeat_seconds))[0]:
                await self._prove()
            return task.result()
        finally:
            await end(task)

    async def _prove(self) -> None:
        try:
            async with asyncio.timeout(self._lease_seconds - self._heartbeat_seconds), self.proof():
                await self._connection.execute("SELECT 1")
        except (TimeoutError, OSError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
            raise LeadershipLostError from error


async def lead(
    connection: Connection,
    stop: asyncio.Event,
    *,
    owner: str,
    silence_seconds: float = SILENCE_SECONDS,
    on_standby: Callable[[], None] = lambda: None,
    on_held: Callable[[], None] = lambda: None,
) -> Leadership | None:
    """Wait until this connection leads, or None if `stop` was set first.

    `on_standby` is called when another one leads now, `on_held` while a person holds the relay: then none leads.
    One that is silent for `silence_seconds` is put out of office.
    """
    while not stop.is_set():
        if await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", *_LOCK):
            epoch: int | None = await connection.fetchval(_BEGIN, owner)
            if epoch is not None:
                return Leadership(connection, epoch, silence_seconds=silence_seconds)
            await connection.execute("SELECT pg_advisory_unlock($1, $2)", *_LOCK)
            on_held()
            await is_set_within(stop, _RETRY_SECONDS)
            continue
        on_standby()
        if await connection.fetchval(_END_SILENT_LEADER, *_LOCK, silence_seconds):
            report(log, logging.WARNING, "relay.silent_leader_ended", silence_seconds=silence_seconds)
            continue
        await is_set_within(stop, _RETRY_SECONDS)
    return None


async def none_leads(connection: Connection, *, seconds: float) -> bool:
    """Wait until no relay of this database leads any more; False if one still does after so long."""
    deadline = time.monotonic() + seconds
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", *_LOCK):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.05)
    await connection.execute("SELECT pg_advisory_unlock($1, $2)", *_LOCK)
    return True
