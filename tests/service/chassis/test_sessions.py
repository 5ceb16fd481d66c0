"""A transaction of the driver that SQLAlchemy joins only when it is used: one COMMIT or one rollback for all of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import asyncpg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.clock import Clock
from libs.chassis.database import Database, raw
from libs.events.postgres import Cause, cause_of
from tests.infra import PostgresForTests
from tests.service.chassis.started import until

pytestmark = pytest.mark.filterwarnings("ignore:[\\s\\S]*session.exec:DeprecationWarning")
_TABLE = "CREATE TABLE thing (number int UNIQUE DEFERRABLE INITIALLY DEFERRED)"


@pytest.fixture
async def database(postgres_server: PostgresForTests) -> AsyncIterator[Database]:
    """A pool of one connection, so that one that is not given back is missed at once."""
    url = postgres_server.new_database("sessions")
    connection = await asyncpg.connect(url)
    await connection.execute(_TABLE)
    await connection.close()
    database = Database(url, clock=Clock(), application_name="sessions", pool_size=1)
    yield database
    await database.close()


async def by_driver(session: AsyncSession, number: int) -> None:
    await (await raw(session)).execute("INSERT INTO thing VALUES ($1)", number)


async def by_sqlalchemy(session: AsyncSession, number: int) -> None:
    await session.execute(text("INSERT INTO thing VALUES (:number)"), {"number": number})


async def stored(database: Database) -> list[int]:
    async with database.transaction() as session:
        return [row[0] for row in await (await raw(session)).fetch("SELECT number FROM thing ORDER BY number")]


Way = Callable[[AsyncSession, int], Awaitable[None]]
WAYS = pytest.mark.parametrize("ways", [(by_driver,), (by_sqlalchemy,), (by_driver, by_sqlalchemy, by_driver)])


@WAYS
async def test_what_both_have_written_is_committed_together(database: Database, ways: Sequence[Way]) -> None:
    async with database.transaction() as session:
        for number, way in enumerate(ways):
            await way(session, number)
    assert await stored(database) == list(range(len(ways)))


@WAYS
async def test_an_error_rolls_back_what_both_have_written(database: Database, ways: Sequence[Way]) -> None:
    """Seen to fail with a commit in the place of the rollback."""

    async def failing() -> None:
        async with database.transaction() as session:
            for number, way in enumerate(ways):
                await way(session, number)
            raise KeyError

    with pytest.raises(KeyError):
        await failing()
    assert await stored(database) == []


@WAYS
async def test_hooks_run_after_the_commit_and_not_after_a_rollback(database: Database, ways: Sequence[Way]) -> None:
    """A relay or a router that is woken must find the rows. Seen to fail without the dispatch, or before the COMMIT."""
    told: list[str] = []
    for fails in (False, True):
        try:
            async with database.transaction() as session:
                event.listen(session.sync_session, "after_commit", lambda _: told.append("woken"))
                for number, way in enumerate(ways):
                    await way(session, number + 10 * fails)
                if fails:
                    raise KeyError
        except KeyError:
            pass
    assert told == ["woken"]


@WAYS
async def test_a_commit_that_the_server_refuses_stores_nothing_and_wakes_nobody(
    database: Database, ways: Sequence[Way]
) -> None:
    told: list[str] = []

    async def twice() -> None:
        async with database.transaction() as session:
            event.listen(session.sync_session, "after_commit", lambda _: told.append("woken"))
            for way in ways:
                await way(session, 7)
            await by_driver(session, 7)

    with pytest.raises((DBAPIError, asyncpg.UniqueViolationError)):
        await twice()
    assert (await stored(database), told) == ([], [])


async def test_a_savepoint_undoes_its_own_part_alone(database: Database) -> None:
    """SQLAlchemy sends a SAVEPOINT when its connection is asked for. Seen to fail when only the driver is used."""

    async def failing(session: AsyncSession) -> None:
        async with session.begin_nested():
            await by_driver(session, 2)
            await by_sqlalchemy(session, 3)
            raise KeyError

    async with database.transaction() as session:
        await by_driver(session, 1)
        with pytest.raises(KeyError):
            await failing(session)
        await by_driver(session, 4)
    assert await stored(database) == [1, 4]


async def test_a_connection_that_the_server_closed_in_the_pool_is_replaced(
    database: Database, postgres_server: PostgresForTests
) -> None:
    """Seen to fail without the look at `is_closed`."""
    async with database.transaction() as session:
        connection = await raw(session)
        pid = await connection.fetchval("SELECT pg_backend_pid()")
    postgres_server.execute(f"SELECT pg_terminate_backend({pid})")

    async def closed() -> bool:
        return bool(connection.is_closed())

    await until(closed)
    assert await stored(database) == []


@pytest.mark.parametrize("way", [by_driver, by_sqlalchemy])
async def test_a_connection_that_is_lost_inside_a_transaction_is_not_used_again(
    database: Database, postgres_server: PostgresForTests, way: Way
) -> None:

    async def interrupted() -> None:
        async with database.transaction() as session:
            await way(session, 1)
            pid = await (await raw(session)).fetchval("SELECT pg_backend_pid()")
            postgres_server.execute(f"SELECT pg_terminate_backend({pid})")
            await way(session, 2)

    with pytest.raises((DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        await interrupted()
    assert await stored(database) == []


@pytest.mark.parametrize("way", [by_driver, by_sqlalchemy])
async def test_a_task_that_is_cancelled_gives_its_connection_back(database: Database, way: Way) -> None:
    """Seen to fail when the connection is not given back after an error: the pool has one."""
    begun = asyncio.Event()

    async def sleep() -> None:
        async with database.transaction() as session:
            await way(session, 1)
            begun.set()
            await (await raw(session)).execute("SELECT pg_sleep(60)")

    task = asyncio.create_task(sleep())
    await begun.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await stored(database) == []


async def test_nothing_of_a_former_transaction_is_left_on_the_connection(database: Database) -> None:
    """The next one begins by itself, whoever of the two ended the former one."""
    for number, way in enumerate((by_driver, by_sqlalchemy, by_driver)):
        async with database.transaction() as session:
            assert (await raw(session)).is_in_transaction()
            await way(session, number)
    async with database.engine.connect() as connection:
        pooled = await connection.get_raw_connection()
        assert not pooled.driver_connection.is_in_transaction()  # type: ignore[union-attr]
    assert await stored(database) == [0, 1, 2]


@WAYS
async def test_a_commit_or_a_rollback_by_hand_ends_the_transaction(database: Database, ways: Sequence[Way]) -> None:
    """Seen to fail with SQLAlchemy's own `commit`, which knows nothing of what the driver has written. After it, a
    statement would commit by itself, so it is refused."""
    async with database.transaction() as session:
        for number, way in enumerate(ways):
            await way(session, number)
        await session.commit()
        with pytest.raises(RuntimeError, match="has ended"):
            await raw(session)
    async with database.transaction() as session:
        for number, way in enumerate(ways):
            await way(session, 10 + number)
        await session.rollback()
    assert await stored(database) == list(range(len(ways)))


async def test_a_lost_connection_is_told_as_a_database_that_is_away(
    database: Database, postgres_server: PostgresForTests
) -> None:
    """Not as a fault of the event that was handled: that would be parked."""

    async def interrupted() -> None:
        async with database.transaction() as session:
            await by_sqlalchemy(session, 1)
            connection = await raw(session)
            pid = await connection.fetchval("SELECT pg_backend_pid()")
            postgres_server.execute(f"SELECT pg_terminate_backend({pid})")
            with pytest.raises(DBAPIError):
                await by_sqlalchemy(session, 2)
            await by_driver(session, 3)

    with pytest.raises((DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError)) as told:
        await interrupted()
    assert cause_of(told.value) is Cause.OUTAGE


@pytest.mark.parametrize("turns", range(8))
async def test_a_task_that_is_cancelled_again_while_it_rolls_back_leaves_no_transaction_open(
    database: Database, turns: int
) -> None:
    """The second time comes so many turns of the loop later. Seen to fail when a connection whose rollback did not end
    goes back to the pool: the next transaction cannot begin."""
    begun = asyncio.Event()

    async def sleep() -> None:
        async with database.transaction() as session:
            await by_driver(session, 1)
            begun.set()
            await (await raw(session)).execute("SELECT pg_sleep(60)")

    task = asyncio.create_task(sleep())
    await begun.wait()
    for _ in range(2):
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.transaction() as session:
        await by_driver(session, 2)
    assert await stored(database) == [2]
