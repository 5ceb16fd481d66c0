"""One PostgreSQL database per service: its pool, its transactions and the time that each transaction has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, TypeAlias, cast

import asyncpg
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.clock import Timekeeper
from libs.chassis.database_address import open_engine
from libs.chassis.errors import Unavailable

Connection: TypeAlias = "asyncpg.Connection[Any]"
"""The driver's connection, which set-based SQL runs on."""
_NOW = "libs.chassis.now"
_SHOWN = "libs.chassis.shown"


class Database:
    """The pool of connections of one service; opened at first use, closed by `close`.

    `pool_size` connections are kept, none beyond them is opened; who waits longer than 10 seconds for one gets an
    error. Statements end after 30 seconds and idle transactions after 20, so that nothing holds locks for ever.
    """

    def __init__(self, url: str, *, clock: Timekeeper, application_name: str, pool_size: int = 5) -> None:
        self.clock = clock
        self._latest: datetime | None = None
        self.engine: AsyncEngine = open_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            pool_recycle=1800,
            hide_parameters=True,
            connect_args={
                "timeout": 5,
                "server_settings": {
                    "application_name": application_name,
                    "statement_timeout": "30s",
                    "idle_in_transaction_session_timeout": "20s",
                    "timezone": "UTC",
                    # A plan made while a table was small is kept while it grows: an index must win from the start.
                    "random_page_cost": "1.1",
                    "jit": "off",
                },
            },
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction: opened by reading the clock, committed at the end, rolled back on any error."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            connection = await _connected(session)
            real = (await connection.exec_driver_sql("SELECT clock_timestamp()")).scalar_one()
            session.info[_SHOWN] = self.clock.at(real)
            session.info[_NOW] = self._forward(session.info[_SHOWN])
            yield session

    async def close(self) -> None:
        """Close every connection of the pool."""
        await self.engine.dispose()

    def _forward(self, moment: datetime) -> datetime:
        """Never earlier than what this process has shown before, also when the server's time is set back."""
        if self._latest is None or moment > self._latest:
            self._latest = moment
        return self._latest


async def _connected(session: AsyncSession) -> AsyncConnection:
    try:
        return await session.connection()
    except OSError as error:  # also what a name that doesn't resolve, or no answer in time, raises
        raise Unavailable("The database is away; try again.") from error


async def raw(session: AsyncSession) -> Connection:
    """The driver's connection inside this session's open transaction, for set-based SQL.

    Flush pending ORM changes first. SQLAlchemy sets the json codecs to text: pass and expect `str` there.
    """
    connection = await (await session.connection()).get_raw_connection()
    return cast(Connection, connection.driver_connection)


def now(session: AsyncSession) -> datetime:
    """This transaction's time on the installation's clock, aware and in UTC; the same as often as it is asked."""
    try:
        return cast(datetime, session.info[_NOW])
    except KeyError:
        raise RuntimeError("the session wasn't opened by Database.transaction()") from None


def shown(session: AsyncSession) -> datetime:
    """What the installation's clock showed when this transaction began, also where that is earlier than before.

    For deciding what is due: where the server's time was ahead and is set back, `now` waits for it, and what others
    have set by the right time would be due too early by it.
    """
    return cast(datetime, session.info[_SHOWN])


async def one_transaction(request: Request) -> AsyncIterator[AsyncSession]:
    """One transaction for one request."""
    database: Database = request.app.state.database
    async with database.transaction() as session:
        yield session


# scope="function": the commit happens before the response leaves; a failing commit is an error, never a 201.
Session = Annotated[AsyncSession, Depends(one_transaction, scope="function")]
