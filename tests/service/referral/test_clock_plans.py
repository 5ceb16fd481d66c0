"""What the clocks and the rounds ask for again and again touches few rows, however full the tables are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from bench.filling import fill
from libs.chassis.clock import Clock
from libs.chassis.database import Database, raw
from services.referral.clocks import actions as clocks
from services.referral.clocks import queries as due_clocks
from services.referral.clocks.loop import BATCH_MAX, PAGES_MAX
from services.referral.journeys import queries as journeys
from services.referral.router import loop, picks, queries
from tests.infra import for_service

FILLED = 40_000
NOW = datetime(2026, 6, 1, tzinfo=UTC)
REPEATED = 8
"""PostgreSQL may keep a plan that knows no values once a statement has run five times."""
WATCHED = ("timer", "offer", "need", "referral", "journey")

Ask = Callable[[AsyncSession], Awaitable[Any]]


@pytest.fixture(scope="module")
def filled_url(postgres_server: Any) -> str:
    """Some 17,000 clocks, most of them due, and 5,000 referrals that wait for their moment."""

    async def made() -> str:
        url: str = postgres_server.migrated("referral")
        await fill(url, FILLED, at=NOW)
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(
                "UPDATE referral SET ready_at = now() + interval '1 hour' WHERE status IN ('seeking', 'waitlisted')"
            )
            await connection.execute("VACUUM ANALYZE")
        finally:
            await connection.close()
        return url

    return asyncio.run(made())


@pytest.fixture
async def filled(filled_url: str) -> AsyncIterator[Database]:
    """A service's own connection to it, behind the walls."""
    database = Database(for_service(filled_url), clock=Clock(), application_name="plans", pool_size=1)
    yield database
    await database.close()


async def read(database: Database) -> dict[str, tuple[int, int]]:
    """By table: how often it was read from end to end, and how many rows were fetched from it by an index."""
    async with database.transaction() as session:
        await (await raw(session)).execute("SELECT pg_stat_force_next_flush()")
    async with database.transaction() as session:
        rows = await (await raw(session)).fetch(
            "SELECT relname, seq_scan, coalesce(idx_tup_fetch, 0) AS fetched FROM pg_stat_user_tables"
            " WHERE relname = ANY($1::text[])",
            list(WATCHED),
        )
    return {row["relname"]: (row["seq_scan"], row["fetched"]) for row in rows}


async def touched(database: Database, ask: Ask) -> dict[str, int]:
    """By table: the rows that one asking fetches, over several; fails where a table is read from end to end."""
    before = await read(database)
    for _ in range(REPEATED):
        async with database.transaction() as session:
            await ask(session)
    after = await read(database)
    assert {table: after[table][0] - before[table][0] for table in WATCHED} == dict.fromkeys(WATCHED, 0)
    fetched = {table: (after[table][1] - before[table][1]) / REPEATED for table in WATCHED}
    return {table: round(count) for table, count in fetched.items() if count}


async def of_timers(database: Database, *, limit: int = BATCH_MAX, skip: int = 0) -> list[due_clocks.Due]:
    async with database.transaction() as session:
        return await due_clocks.due(session, at=NOW + timedelta(days=1), limit=limit, skip=skip)


async def test_due_clocks_are_found_and_fired_without_reading_the_others(filled: Database):
    """Also past all that other workers hold. Seen to fail without `ix_timer_due_at`.

    The keys of a batch are looked up one by one in the primary key.
    """
    at = NOW + timedelta(days=1)
    skip = (PAGES_MAX - 1) * BATCH_MAX
    found = await of_timers(filled)
    assert len(found) == BATCH_MAX
    assert len(await of_timers(filled, skip=skip)) == BATCH_MAX
    keys = [one.key for one in found]
    first = await touched(filled, lambda session: due_clocks.due(session, at=at, limit=BATCH_MAX))
    assert first == {"timer": BATCH_MAX}
    last = await touched(filled, lambda session: due_clocks.due(session, at=at, limit=BATCH_MAX, skip=skip))
    assert last == {"timer": skip + BATCH_MAX}
    locked = await touched(filled, lambda session: clocks.still_due(session, keys, at=at))
    assert locked["timer"] <= 2 * BATCH_MAX
    stopped = await touched(filled, lambda session: clocks.stop(session, [key[0] for key in keys]))
    assert stopped.get("timer", 0) <= BATCH_MAX


async def test_journeys_are_loaded_by_their_ids_alone(filled: Database):
    """Seen to fail without `ix_need_returnee_id`, `ix_referral_returnee_id` or `ix_offer_returnee_id`."""
    returnees: set[UUID] = {one.returnee_id for one in await of_timers(filled)}
    rows = await touched(filled, lambda session: journeys.claim(session, returnees))
    assert rows["journey"] <= 2 * len(returnees)
    rows = await touched(filled, lambda session: journeys.load(session, returnees))
    assert all(rows.get(table, 0) <= len(returnees) for table in WATCHED), rows


async def test_the_pace_reads_as_many_offers_as_a_service_may_get(filled: Database):
    """Of hundreds that each service was made. Seen to fail without `ix_offer_service_made_at`."""
    async with filled.transaction() as session:
        rows = await (await raw(session)).fetch("SELECT DISTINCT provider_service_id FROM offer")
    services = [row["provider_service_id"] for row in rows]
    assert len(services) == 60
    since = NOW - timedelta(days=30)
    async with filled.transaction() as session:
        recent = await queries.recent_offers(session, services, since=since, limit=5)
    assert {len(moments) for moments in recent.values()} == {5}
    asked = await touched(filled, lambda session: queries.recent_offers(session, services, since=since, limit=5))
    assert asked.get("offer", 0) <= 5 * len(services)


async def test_the_router_sees_by_one_row_that_thousands_wait_for_their_moment(filled: Database):
    """It asks twenty times a second. Seen to fail without `ix_referral_ready_at` (all 5,000 rows)."""

    async def probe(session: AsyncSession) -> None:
        found = await (await raw(session)).fetchrow(loop._PROBE)
        assert found["ready_at"] > found["real"]

    assert (await touched(filled, probe)).get("referral", 0) <= 5


async def test_newcomers_are_found_past_the_thousands_that_seek_again(filled: Database):
    """Seen to fail without `ix_referral_new`: the thousands are read first, as they wait longer."""
    newest = "SELECT referral_id FROM referral WHERE status = 'seeking' ORDER BY waiting_since DESC LIMIT 20"
    async with filled.transaction() as session:
        await (await raw(session)).execute(f"UPDATE referral SET ready_at = opened_at WHERE referral_id IN ({newest})")
    try:
        at = datetime.now(UTC) + timedelta(days=1)
        rows = await touched(filled, lambda session: picks._pick(session, picks._NEWCOMERS, 20, at, []))
    finally:
        async with filled.transaction() as session:
            await (await raw(session)).execute(
                "UPDATE referral SET ready_at = now() + interval '1 hour' WHERE ready_at = opened_at"
            )
    assert rows["referral"] <= 40
    async with filled.transaction() as session:
        assert not await picks._clocks_are_behind(session, NOW - timedelta(days=999))
    behind = await touched(filled, lambda session: picks._clocks_are_behind(session, at))
    assert behind.get("timer", 0) <= picks.CLOCKS_BEHIND + 1
