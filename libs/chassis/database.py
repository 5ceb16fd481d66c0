"""One PostgreSQL database per service: its pool, its transactions and the time of each transaction."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime
from typing import Annotated, Any, TypeAlias, cast

import asyncpg
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.auth import Caller
from libs.chassis.clock import Timekeeper
from libs.chassis.database_address import open_engine
from libs.chassis.errors import Unavailable
from libs.chassis.sessions import LOST, DriverSession, opened, settled
from libs.chassis.tenancy import Tenant
from libs.chassis.walls import SERVICE_ITSELF, settings_of

Connection: TypeAlias = "asyncpg.Connection[Any]"
"""The connection of the driver, used for set-based SQL."""
ToldOf: TypeAlias = Callable[[Caller], Mapping[str, str]]
"""Settings of a caller that a service adds to those in `walls`."""
LookUp: TypeAlias = Callable[[AsyncSession, Caller], Awaitable[None]]
"""What a service looks up about a caller at the beginning of the transaction of each request."""
_NOW = "libs.chassis.now"
_SHOWN = "libs.chassis.shown"
_SAID = "libs.chassis.said"
_BEGIN = "SELECT clock_timestamp(), (SELECT count(set_config(name, value, true)) FROM unnest($1::text[], $2::text[])"
_BEGIN += " AS said(name, value))"
_SAY = "SELECT set_config(name, value, true) FROM unnest($1::text[], $2::text[]) AS said(name, value)"
_PLANS = "plan_cache_mode"
_KEPT_PLANS = {_PLANS: "force_generic_plan"}
_UNSAID = {_PLANS: "auto"}
"""The values of settings that were not made; every other setting was empty."""


class Database:
    """The pool of connections of one service; opened at first use, closed by `close`.

    `pool_size` is the maximum number of connections. Waiting longer than 10 seconds for one is an error. Statements are
    cancelled after 30 seconds and idle transactions after 20, so that no lock is held without limit.
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
                    # PostgreSQL keeps a plan that it made while a table was small. With this value it uses the index
                    # from the start.
                    "random_page_cost": "1.1",
                    "jit": "off",
                },
            },
        )

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """One transaction of the service's own work: opened by reading the clock, committed at the end, rolled back on
        any error. Row-level security lets it see every row."""
        return self._transaction(SERVICE_ITSELF)

    def transaction_of(
        self, tenant: Tenant | None, more: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[AsyncSession]:
        """The same for a request: in tables with policies only this caller's rows are visible. For None no rows are.

        `more` are settings in addition to those in `walls`.
        """
        return self._transaction(settings_of(tenant, more))

    @asynccontextmanager
    async def _transaction(self, said: Mapping[str, str]) -> AsyncIterator[AsyncSession]:
        async with settled(await _opened(self.engine)) as session:
            # One round trip makes the settings and reads the clock. The settings end with the transaction.
            real = await session.driver.fetchval(_BEGIN, list(said), list(said.values()))
            session.info[_SAID] = said
            session.info[_SHOWN] = self.clock.at(real)
            session.info[_NOW] = self._forward(session.info[_SHOWN])
            yield session

    async def close(self) -> None:
        """Close every connection of the pool."""
        await self.engine.dispose()

    def _forward(self, moment: datetime) -> datetime:
        """`moment`, or the latest time that this process has returned before if that is later: the server's time may be
        set back."""
        if self._latest is None or moment > self._latest:
            self._latest = moment
        return self._latest


async def _opened(engine: AsyncEngine) -> DriverSession:
    try:
        return await opened(engine)
    except OSError as error:  # also raised for a name that does not resolve, and for a timeout
        raise Unavailable("The database does not answer; try again later.") from error


def own_work(session: AsyncSession, *, few_rows: bool = False) -> AbstractAsyncContextManager[None]:
    """Inside a request's transaction: a part with the rights of the service, in which every row is visible.

    Use it for the changes that a permitted step makes to rows that its caller cannot see. Check before this part what
    the caller may see. Each use is listed, with the reason, in `tests/architecture/test_walls.py`.

    `few_rows`: each statement concerns the rows of a few people, found by their ids. PostgreSQL then keeps the plan of
    a statement for all parameters. Otherwise it often plans the statement again, which takes longer than to execute it,
    because the policies of its tables belong to it. Lists and searches need a plan for their parameters.
    """
    return _saying(session, {**SERVICE_ITSELF, **(_KEPT_PLANS if few_rows else {})})


def on_behalf_of(
    session: AsyncSession, tenant: Tenant, more: Mapping[str, str] | None = None
) -> AbstractAsyncContextManager[None]:
    """Inside a transaction of the service, or of several requests: a part in which only the rows of this caller are
    visible. `more` are settings in addition to those in `walls`."""
    return _saying(session, settings_of(tenant, more))


def claiming(session: AsyncSession, more: Mapping[str, str]) -> AbstractAsyncContextManager[None]:
    """Inside a request's transaction: a part in which its caller has these settings too."""
    said: Mapping[str, str] = session.info[_SAID]
    return _saying(session, {**said, **more})


async def claim(session: AsyncSession, more: Mapping[str, str]) -> None:
    """Inside a request's transaction: its caller has these settings from now on, until the transaction ends."""
    await (await raw(session)).execute(_SAY, list(more), list(more.values()))
    session.info[_SAID] = {**session.info[_SAID], **more}


@asynccontextmanager
async def _saying(session: AsyncSession, said: Mapping[str, str]) -> AsyncIterator[None]:
    """Apply these settings to a part, and restore the earlier ones afterwards, also if the part ends with a refusal."""
    before: Mapping[str, str] = session.info[_SAID]
    after = {name: _UNSAID.get(name, "") for name in said} | dict(before)
    if before.items() >= said.items():
        yield
        return
    connection = await raw(session)
    await connection.execute(_SAY, list(said), list(said.values()))
    session.info[_SAID] = said
    try:
        yield
    finally:
        session.info[_SAID] = before
        # A failed transaction accepts no settings and returns no rows. A rollback to a savepoint restores the settings
        # that the transaction had at that savepoint.
        with suppress(asyncpg.InFailedSQLTransactionError, *LOST):
            await connection.execute(_SAY, list(after), list(after.values()))


async def raw(session: AsyncSession) -> Connection:
    """The driver's connection inside this session's open transaction, for set-based SQL.

    Flush pending ORM changes first. SQLAlchemy sets the json codecs to text: pass and expect `str` there.
    """
    if isinstance(session, DriverSession):
        return await session.joined_driver()
    connection = await (await session.connection()).get_raw_connection()
    return cast(Connection, connection.driver_connection)


def now(session: AsyncSession) -> datetime:
    """This transaction's time on the installation's clock, aware and in UTC; constant during the transaction."""
    try:
        return cast(datetime, session.info[_NOW])
    except KeyError:
        raise RuntimeError("the session wasn't opened by Database.transaction()") from None


def shown(session: AsyncSession) -> datetime:
    """The installation's time when this transaction began, even if it is earlier than a time returned before.

    Used to decide which deadlines have passed. If the server's clock was ahead and is set back, `now` stays constant
    until the time has caught up. Deadlines that other processes set by the corrected time would seem to have passed too
    early.
    """
    return cast(datetime, session.info[_SHOWN])


async def one_transaction(request: Request) -> AsyncIterator[AsyncSession]:
    """One transaction for one request, in which only the rows of its caller are visible in tables with policies."""
    database: Database = request.app.state.database
    caller: Caller | None = getattr(request.state, "caller", None)
    told_of: ToldOf | None = request.app.state.told_of
    more = None if caller is None or told_of is None else told_of(caller)
    look_up: LookUp | None = request.app.state.look_up
    async with database.transaction_of(None if caller is None else caller.tenant, more) as session:
        if caller is not None and look_up is not None:
            await look_up(session, caller)
        yield session


# scope="function": the commit happens before the response leaves; a failed commit is an error response, never a 201.
Session = Annotated[AsyncSession, Depends(one_transaction, scope="function")]
