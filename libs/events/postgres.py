"""What the event bus needs from PostgreSQL: the driver's connection of an open session, and the meaning of errors."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel.ext.asyncio.session import AsyncSession

if TYPE_CHECKING:
    Connection = asyncpg.Connection[Any]
else:
    Connection = asyncpg.Connection

Transaction = Callable[[], AbstractAsyncContextManager[AsyncSession]]
"""Opens a session whose transaction commits at its end, and is rolled back by an exception."""


async def raw(session: AsyncSession) -> Connection:
    """The asyncpg connection inside this session's open transaction, for set-based SQL.

    Pending ORM changes are written first. If SQLAlchemy has not sent BEGIN yet, this function makes it do so:
    SQLAlchemy waits for its own first statement, and a statement of the driver before BEGIN would commit by itself.
    """
    if session.in_transaction() and (session.new or session.dirty or session.deleted):
        await session.flush()
    joined = getattr(session, "joined_driver", None)
    if joined is not None:
        # A session inside a transaction that the driver has begun.
        return cast("Connection", await joined())
    connection = await session.connection()
    driver = cast("Connection", (await connection.get_raw_connection()).driver_connection)
    if not driver.is_in_transaction():
        await connection.exec_driver_sql("SELECT 1")
    return driver


def plain_dsn(url: str) -> str:
    """The URL in the form of asyncpg, without SQLAlchemy's name of the driver."""
    scheme, separator, rest = url.partition("://")
    return scheme.partition("+")[0] + separator + rest


class Cause(Enum):
    """The causes of a failed batch, according to what must be done next."""

    CONFLICT = "conflict"
    """A conflict of two transactions: the same batch is processed again at once."""
    OUTAGE = "outage"
    """The database is unavailable, overloaded or stopping: the same batch is processed again later."""
    EVENT = "event"
    """All other errors: an event or its handler has a fault."""


_CONFLICTS = frozenset({"40001", "40P01", "55P03"})
_OUTAGE_CLASSES = frozenset({"08", "53", "57", "58"})
_OUTAGES = frozenset({"25P03", "25P04", "25006", "XX000"})
# The driver raises InternalClientError when it is used after the server has said that it ends the connection.
LOST = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Errors of the driver, without an SQLSTATE, when the connection is lost or cannot be opened."""


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE of a PostgreSQL error, however deep SQLAlchemy has wrapped it; None for other errors."""
    seen: BaseException | None = error
    while seen is not None:
        state = getattr(seen, "sqlstate", None)
        if isinstance(state, str):
            return state
        original = getattr(seen, "orig", None)
        seen = original if isinstance(original, BaseException) else seen.__cause__
    return None


def cause_of(error: BaseException) -> Cause:
    """The cause of `error`, which decides what happens to the batch."""
    state = sqlstate(error)
    if state is not None:
        if state in _CONFLICTS:
            return Cause.CONFLICT
        if state[:2] in _OUTAGE_CLASSES or state in _OUTAGES:
            return Cause.OUTAGE
        return Cause.EVENT
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return Cause.OUTAGE
    if isinstance(error, (*LOST, PoolTimeout)):
        return Cause.OUTAGE
    wrapped = getattr(error, "orig", None) or error.__cause__
    if isinstance(wrapped, LOST):
        return Cause.OUTAGE
    return Cause.EVENT
