"""One relay per database is the leader: it holds an advisory lock on a direct connection, and has the present epoch.

The lock ends with the connection, so a leader whose process has ended is replaced. A leader that still runs but is
silent (stopped, stuck, or cut off from the network) keeps its connection. Another relay ends that session after
`SILENCE_SECONDS`. A leader sends a statement to PostgreSQL more often than that, and sends no more events if it has no
answer for a part of that time. So the former leader has stopped sending when the next one begins. If the former one
still tries to move rows to the archive, its old epoch is refused. With a pooler between relay and server, other clients
could get the connection that holds the lock, so the connection must be direct.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from libs.events.observing.reporting import report
from libs.events.postgres import LOST, Connection
from libs.events.processes.ending import end
from libs.waiting.pauses import is_set_within

log = logging.getLogger(__name__)

_LOCK = (0x656E6C61, 1)  # "enla"; the number keeps other advisory locks of the same database apart
_RETRY_SECONDS = 0.5
SILENCE_SECONDS = 10.0
"""A leader that has sent nothing to PostgreSQL for this time is replaced. At most one second later another relay is the
leader."""
LEASE_SHARE = 0.6
"""The part of `SILENCE_SECONDS` after which a leader without an answer sends no more events."""
HEARTBEAT_SHARE = 0.2
"""The part of `SILENCE_SECONDS` after which a leader asks PostgreSQL for an answer, also while it waits for Kafka."""

T = TypeVar("T")

HELD_LOOK_SECONDS = 0.5
"""How often a leader checks whether an operator holds the relay."""
_BEGIN = """
    UPDATE outbox_leader SET epoch = epoch + 1, owner = $1, since = now() WHERE held_since IS NULL RETURNING epoch
"""

# A leader with a running statement is not silent, because statements have a timeout. A leader that does not read the
# result of a statement is silent.
_END_SILENT_LEADER = """
    SELECT count(pg_terminate_backend(a.pid))
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1::bigint::oid AND l.objid = $2::bigint::oid
        AND l.objsubid = 2
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND clock_timestamp() - a.state_change > $3::float8 * interval '1 second'
        AND (a.state LIKE 'idle%' OR a.wait_event_type = 'Client')
"""

LEADS = f"""EXISTS (
        SELECT FROM pg_locks l
        WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {_LOCK[0]}::oid AND l.objid = {_LOCK[1]}::oid
            AND l.objsubid = 2 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""  # noqa: S608 (numbers)
"""The SQL condition that a relay of this database is the leader now. It takes no lock."""

_SERVER_SETTINGS = {
    "application_name": "enlace-relay",
    "statement_timeout": "30s",
    "timezone": "UTC",
    # Planning costs more than reading a few rows, so statements are planned once. A plan that was made while the outbox
    # was empty must be good for a million rows, too.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    # If the host of a leader fails, the lock must end in seconds, not in hours.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}


async def _none() -> float:
    return float("inf")


class LeadershipLostError(Exception):
    """Another relay may be the leader now: nothing more may be sent or moved to the archive under this epoch."""


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
    """The epoch of a leader, and the time of its last answer from PostgreSQL."""

    def __init__(self, connection: Connection, epoch: int, *, silence_seconds: float = SILENCE_SECONDS) -> None:
        self.epoch = epoch
        self._connection = connection
        self._lease_seconds = silence_seconds * LEASE_SHARE
        self._heartbeat_seconds = silence_seconds * HEARTBEAT_SHARE
        self._proven_at = time.monotonic()
        self._looked_at = 0.0

    @property
    def holds(self) -> bool:
        """Whether the last answer is recent enough, so that no other relay can be the leader yet."""
        return time.monotonic() - self._proven_at < self._lease_seconds

    @asynccontextmanager
    async def proof(self) -> AsyncIterator[None]:
        """If the statements inside succeed, they prove that this relay was the leader when they began."""
        began = time.monotonic()
        yield
        self._proven_at = began

    async def is_held(self) -> bool:
        """Whether an operator holds the relay. PostgreSQL is asked only every `HELD_LOOK_SECONDS`."""
        if time.monotonic() - self._looked_at < HELD_LOOK_SECONDS:
            return False
        self._looked_at = time.monotonic()
        held: bool = await self._connection.fetchval("SELECT held_since IS NOT NULL FROM outbox_leader")
        return held

    async def while_held(self, work: Coroutine[Any, Any, T], *, chore: Callable[[], Awaitable[float]] = _none) -> T:
        """The result of `work`. If the lease ends meanwhile, `work` is cancelled and `LeadershipLostError` is raised.

        This function uses the connection meanwhile, so `work` must not use it. `chore` may use it: it is called at the
        beginning, and again after the number of seconds that it returns.
        """
        task = asyncio.create_task(work)
        try:
            while True:
                async with self._within_lease():
                    pause = await chore()
                if (await asyncio.wait({task}, timeout=min(pause, self._heartbeat_seconds)))[0]:
                    return task.result()
                if time.monotonic() - self._proven_at >= self._heartbeat_seconds:
                    async with self._within_lease(), self.proof():
                        await self._connection.execute("SELECT 1")
        finally:
            await end(task)

    @asynccontextmanager
    async def _within_lease(self) -> AsyncIterator[None]:
        """`LeadershipLostError` if the statements inside have no answer before the lease could end."""
        try:
            async with asyncio.timeout(self._lease_seconds - self._heartbeat_seconds):
                yield
        except (*LOST, asyncpg.PostgresError) as error:
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
    """Wait until this connection is the leader. None if `stop` was set before.

    `on_standby` is called if another relay is the leader now. `on_held` is called while an operator holds the relay:
    then no relay is the leader. The session of a leader that is silent for `silence_seconds` is ended.
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
    """Wait until no relay of this database is the leader any more. False if one still is after `seconds`."""
    deadline = time.monotonic() + seconds
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", *_LOCK):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.05)
    await connection.execute("SELECT pg_advisory_unlock($1, $2)", *_LOCK)
    return True
