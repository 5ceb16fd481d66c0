"""A transaction on the driver's connection, which SQLAlchemy joins only when something is asked of its session.

Most work is set-based SQL on the driver's connection (`raw`). For this work a transaction that SQLAlchemy opens and
commits costs twice as much processor time as one of the driver. Therefore the driver opens it. When a part uses the
session as an ORM session, SQLAlchemy takes part in the same transaction, and commits it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

if TYPE_CHECKING:
    Connection = asyncpg.Connection[Any]
else:
    Connection = asyncpg.Connection

# The driver raises InternalClientError when it is used after the server has said that it ends the connection.
_DRIVER = (asyncpg.InterfaceError, asyncpg.InternalClientError)
LOST = (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, *_DRIVER)
"""Errors of the driver whose connection is lost."""
_TRIES = 10
"""More than a pool has connections: after these many, new ones are ended too."""
_NOT_ROLLED_BACK = (DBAPIError, asyncpg.PostgresError, *_DRIVER, OSError)


class DriverSession(AsyncSession):
    """A session inside an open transaction of `driver`, the driver's connection."""

    def __init__(self, connection: AsyncConnection, driver: Connection, adapter: Any) -> None:
        super().__init__(connection, expire_on_commit=False)
        self.driver = driver
        self.connection_used = connection
        self._adapter = adapter

    async def joined_driver(self) -> Connection:
        """The driver's connection, after the SAVEPOINT of an open `begin_nested`: SQLAlchemy sends it only when its
        connection is asked for."""
        # A lost connection is not an end of this kind: its statements fail as those of a database that is away.
        if self._adapter._transaction is None and not self.driver.is_closed():
            raise RuntimeError("the transaction of this session has ended: a statement would commit by itself")
        if self.in_nested_transaction():
            await self.connection()
        return self.driver

    async def commit(self) -> None:
        """Commit what the driver and SQLAlchemy have done. After that the session takes no more statements."""
        if self.in_transaction():
            await self.flush()
        if self.connection_used.in_transaction():
            await super().commit()
        elif (transaction := self._take_transaction()) is not None:
            await transaction.commit()
            self.sync_session.dispatch.after_commit(self.sync_session)

    async def rollback(self) -> None:
        """Undo what the driver and SQLAlchemy have done. After that the session takes no more statements."""
        if self.in_transaction():
            await super().rollback()
        if (transaction := self._take_transaction()) is not None:
            await transaction.rollback()

    def _take_transaction(self) -> Any:
        """The driver's transaction, which SQLAlchemy then knows no more; None if it has ended."""
        transaction, self._adapter._transaction = self._adapter._transaction, None
        return transaction


async def opened(engine: AsyncEngine) -> DriverSession:
    """A session in a transaction that has just begun; `settled` ends it.

    OSError if the server cannot be reached, otherwise the errors of SQLAlchemy and of the driver.
    """
    for tries_left in reversed(range(_TRIES)):
        connection = await engine.connect()
        try:
            pooled = await connection.get_raw_connection()
            driver: Any = pooled.driver_connection
            # The server may have closed it while it was in the pool: then another one is used.
            if not driver.is_closed():
                transaction = driver.transaction()
                await transaction.start()
                # SQLAlchemy's adapter sends BEGIN before its first statement if it knows of no transaction.
                adapter: Any = pooled.dbapi_connection
                adapter._transaction = transaction
                return DriverSession(connection, driver, adapter)
        except BaseException as error:
            await _give_back(connection, is_lost=True)
            # The server has ended it, and the driver has not seen the end yet: another one is used then too.
            if not isinstance(error, asyncpg.InternalClientError) or not tries_left:
                raise
        else:
            await _give_back(connection, is_lost=True)
    raise ConnectionError("the server ends every connection")


@asynccontextmanager
async def settled(session: DriverSession) -> AsyncIterator[DriverSession]:
    """Commit the transaction at the end, or roll it back after any error, and give the connection back."""
    is_lost = True
    try:
        try:
            yield session
            await session.commit()
            is_lost = False
        except BaseException:
            is_lost = not await _is_rolled_back(session)
            raise
    finally:
        await _give_back(session.connection_used, is_lost=is_lost)


async def _give_back(connection: AsyncConnection, *, is_lost: bool) -> None:
    async def give_back() -> None:
        if is_lost:
            await connection.invalidate()
        await connection.close()

    # A cancelled task must not leave a connection out of the pool.
    await asyncio.shield(asyncio.create_task(give_back()))


async def _is_rolled_back(session: DriverSession) -> bool:
    """False if the connection is lost or still in a transaction, so that nobody may use it again: then the server rolls
    back. The error that led here is raised, not this one."""
    try:
        await session.rollback()
    except _NOT_ROLLED_BACK:
        return False
    return not (session.driver.is_closed() or session.driver.is_in_transaction())
