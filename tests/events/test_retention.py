"""Old rows go by dropping the partition of their day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from libs.events import retention
from libs.events.tables import is_event_table
from tests.events.bus import Bus

TODAY = date(2031, 5, 10)  # far from the days for which a relay on the same database has made partitions


@pytest.fixture
async def connection(bus: Bus) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(bus.dsn)
    transaction = connection.transaction()
    await transaction.start()
    # Relays of other tests on this database have made the days of now, which would be old on TODAY and are kept.
    for table in ("inbox", "outbox_sent"):
        for day in await connection.fetch(retention.PARTITIONS, table):
            if not day["name"].endswith("_rest"):
                await connection.execute(f"DROP TABLE {day['name']}")
    yield connection
    await transaction.rollback()
    await connection.close()


async def remember(connection: Any, name: str, day: date) -> None:
    received_at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    await connection.execute("INSERT INTO inbox VALUES ('group', 'source', $1, $2, $3)", name, day, received_at)


async def partitions(connection: Any) -> set[str]:
    return {row["name"] for row in await connection.fetch(retention.PARTITIONS, "inbox")}


async def test_partitions_are_made_ahead_and_old_ones_dropped_with_their_rows(connection: Any) -> None:
    await retention.tidy(connection, today=TODAY)
    days = ("inbox_20310510", "inbox_20310511", "inbox_20310512", "inbox_20310513")
    assert await partitions(connection) == {"inbox_rest", *days}
    oldest_kept = datetime.now(UTC).date() - timedelta(days=retention.KEEP_DAYS)
    await retention.tidy(connection, today=oldest_kept - timedelta(days=1))
    await remember(connection, "early", oldest_kept - timedelta(days=1))
    await remember(connection, "late", oldest_kept)
    await retention.tidy(connection)
    assert [row["event_id"] for row in await connection.fetch("SELECT event_id FROM inbox")] == ["late"]
    assert retention.partition_of("inbox", oldest_kept) in await partitions(connection)
    assert retention.partition_of("inbox", oldest_kept - timedelta(days=1)) not in await partitions(connection)
    assert all(is_event_table(name) for name in await partitions(connection))


@pytest.mark.parametrize("statement", ["make_event_day('need', '2031-05-10')", "drop_event_day('need', '2020-05-10')"])
async def test_the_functions_of_days_touch_no_other_table(connection: Any, statement: str) -> None:
    with pytest.raises(asyncpg.RaiseError, match="no event table"):
        await connection.execute(f"SELECT {statement}")


async def test_a_day_that_is_kept_is_dropped_by_nobody(connection: Any) -> None:
    with pytest.raises(asyncpg.RaiseError, match="kept"):
        await connection.execute("SELECT drop_event_day('inbox', (now() AT TIME ZONE 'UTC')::date - 28)")


async def test_a_day_that_has_rows_already_stays_in_the_rest(connection: Any) -> None:
    await remember(connection, "from a fast clock", TODAY + timedelta(days=2))
    await retention.tidy(connection, today=TODAY)
    assert "inbox_20310512" not in await partitions(connection)
    assert "inbox_20310513" in await partitions(connection)


async def test_an_event_is_known_again_in_the_partition_of_its_day(connection: Any) -> None:
    await retention.tidy(connection, today=TODAY)
    await remember(connection, "one", TODAY + timedelta(days=1))
    with pytest.raises(asyncpg.UniqueViolationError):
        await remember(connection, "one", TODAY + timedelta(days=1))


async def test_parked_events_age_out_and_free_their_key(connection: Any) -> None:
    await connection.execute(
        "INSERT INTO parked (consumer_group, topic, partition, log_offset, key, reason, sealed, content, parked_at)"
        " VALUES ('g', 't', 0, 1, 'k', 'handler', false, '', '2026-10-01')"
    )
    await connection.execute("INSERT INTO parked_key VALUES ('g', 't', 'k', '2026-10-01')")
    await retention.tidy(connection, today=TODAY)
    assert await connection.fetch("SELECT 1 FROM parked UNION ALL SELECT 1 FROM parked_key") == []


async def test_the_words_of_a_change_by_hand_age_out_and_its_line_stays(connection: Any) -> None:
    """No erasure reaches them. Seen to fail with `_age_out_reasons` taken out of `tidy`."""
    old, new = datetime(2031, 4, 1, tzinfo=UTC), datetime(2031, 5, 1, tzinfo=UTC)
    for at in (old, new):
        await connection.execute(
            "INSERT INTO operator_action (at, action, operator, reason, subject)"
            " VALUES ($1, 'parked.discard', 'ana', 'her sister called', '{}')",
            at,
        )
    await retention.tidy(connection, today=TODAY)
    rows = await connection.fetch("SELECT at, operator, reason FROM operator_action WHERE at >= $1 ORDER BY at", old)
    assert [tuple(row) for row in rows] == [(old, "ana", ""), (new, "ana", "her sister called")]
