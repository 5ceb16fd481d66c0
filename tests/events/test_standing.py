"""What operators see by HTTP of the bus: the same as by command, with codes only, and at a cost that doesn't grow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from libs.events import standing
from libs.events.consuming.admission import fault
from libs.events.relaying import leadership
from libs.events.standing import StoppedReason, reason_of
from tests.events.bus import Bus, running, until
from tests.events.test_poison import publish

PERSONAL = "enlace.arrivals"
PUBLIC = "enlace.referral"


@pytest.fixture
async def url(event_databases: Any) -> AsyncIterator[str]:
    taken: str = event_databases.take()
    yield taken
    await event_databases.give_back(taken)


@pytest.fixture
async def connection(url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    connected = await asyncpg.connect(url)
    yield connected
    await connected.close()


async def wait_in_outbox(connection: asyncpg.Connection[Any], count: int, *, refused: int = 0) -> None:
    await connection.execute(
        "INSERT INTO outbox (event_id, topic, key, type, payload, created_at, failed_at, failure)"
        " SELECT gen_random_uuid(), 'a', 'k', 't.v1', '', now() - interval '1 hour',"
        " CASE WHEN n <= $2 THEN now() END, CASE WHEN n <= $2 THEN 'Marta Sample' END FROM generate_series(1, $1) n",
        count,
        refused,
    )


async def park(connection: asyncpg.Connection[Any], topic: str, key: bytes, *, events: int = 1, hours: int = 1) -> None:
    await connection.execute(
        "INSERT INTO parked_key VALUES ('g', $1, $2, now() - make_interval(hours => $3))", topic, key, hours
    )
    await connection.execute(
        "INSERT INTO parked"
        " (consumer_group, topic, partition, log_offset, key, reason, error, sealed, content, identity)"
        " SELECT 'g', $1, 0, n, $2, 'handler', 'ValueError of Marta Sample', false, '', encode($2, 'hex')"
        " FROM generate_series(1, $3) n",
        topic,
        key,
        events,
    )


async def test_an_empty_bus_has_nothing_that_waits_and_nobody_who_leads(connection: asyncpg.Connection[Any]) -> None:
    assert await standing.outbox(connection) == standing.Outbox(0, False, 0, 0.0, False, None)
    assert await standing.parked(connection, "g") == standing.Parked(0, 0, 0.0, [])
    assert await standing.stopped_partitions(connection, "g") == []


async def test_a_long_outbox_is_counted_up_to_a_limit(connection: asyncpg.Connection[Any]) -> None:
    """Taken out: LIMIT in `_OUTBOX` (every look read the whole outbox)."""
    await wait_in_outbox(connection, 20_000, refused=3)
    found = await standing.outbox(connection)
    assert (found.events, found.more, found.refused) == (10_000, True, 3)
    assert 3_600 <= found.oldest_age_seconds < 3_700
    plan = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {standing._OUTBOX}")
    assert '"Actual Rows": 20000' not in plan
    assert "Marta" not in str(found)


async def test_a_relay_that_leads_is_seen_and_one_that_has_ended_is_not(
    url: str, connection: asyncpg.Connection[Any]
) -> None:
    """Taken out: `LEADS` for the row of the last leader (one that had ended was seen too)."""
    async with leadership.connected(url) as leader:
        led = leadership.lead(leader, asyncio.Event(), owner="me", silence_seconds=10, on_standby=print, on_held=print)
        assert await led is not None
        assert (await standing.outbox(connection)).relay_leads

    async def gone() -> bool:
        return not (await standing.outbox(connection)).relay_leads

    await until(gone)


async def test_keys_are_shown_only_if_they_are_ids_of_our_own_topics(connection: asyncpg.Connection[Any]) -> None:
    """Taken out: `topic <> ALL` in `_OLDEST_KEYS` (references of senders were shown); `_id` (so were forged keys)."""
    ours = uuid4()
    await park(connection, PERSONAL, b"passport-Marta", hours=9)
    await park(connection, PUBLIC, str(ours).encode(), events=1_500, hours=3)
    await park(connection, PUBLIC, b"Marta Sample", hours=2)
    await park(connection, PUBLIC, f"urn:uuid:{uuid4()}".encode(), hours=1)
    await park(connection, PUBLIC, b"\xff\xfe", hours=0)
    found = await standing.parked(connection, "g")
    assert (found.keys, found.keys_of_senders) == (5, 1)
    assert 9 * 3_600 <= found.oldest_age_seconds < 9 * 3_700
    assert [(one.topic, one.key_id, one.reason, one.events) for one in found.items] == [
        (PUBLIC, ours, "handler", 1_000), *[(PUBLIC, None, "handler", 1)] * 3,
    ]  # fmt: skip
    assert "Marta" not in str(found)
    assert (await standing.parked(connection, "another")).keys == 0


async def test_the_oldest_twenty_keys_are_shown_and_all_are_counted(connection: asyncpg.Connection[Any]) -> None:
    keys = [uuid4() for _ in range(25)]
    for hours, key in enumerate(keys, start=1):
        await park(connection, PUBLIC, str(key).encode(), hours=hours)
    found = await standing.parked(connection, "g")
    assert found.keys == 25
    assert [one.key_id for one in found.items] == keys[:4:-1]


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("10 events in a row failed", StoppedReason.TOO_MANY_FAILURES),
        ("51 of the last 1000 events failed", StoppedReason.TOO_MANY_FAILURES),
        ("the batch fails as a whole with IntegrityError", StoppedReason.BATCH_FAILS),
        (fault(9, first=0, end=5), StoppedReason.LOG_CUT),
        (fault(3, first=5, end=9), StoppedReason.RECORDS_REMOVED),
        ("the log was cut and grew again: offset 3 holds another event than was handled", StoppedReason.LOG_CUT),
        ("offset 7 is missing from the log", StoppedReason.RECORD_MISSING),
        ("Kafka does not let this service read the topic (READ is missing in its ACLs)", StoppedReason.NOT_AUTHORIZED),
        ("something new with Marta Sample", StoppedReason.OTHER),
    ],
)
def test_every_reason_of_a_stop_has_a_code(sentence: str, reason: StoppedReason) -> None:
    assert reason_of(sentence) is reason


@pytest.mark.usefixtures("kafka_bootstrap")
async def test_a_partition_that_has_stopped_and_its_lag_are_seen(
    make_bus: Callable[..., Awaitable[Bus]],
) -> None:
    bus = await make_bus(partitions=1)
    await publish(bus, *(bus.counted(name=f"k{number}", number=number) for number in range(12)))
    consumer = bus.consumer(bus.subscriptions(poison=lambda _: True))
    connected = await asyncpg.connect(bus.dsn)
    try:
        async with running(consumer):

            async def stopped() -> list[standing.StoppedPartition]:
                return await standing.stopped_partitions(connected, bus.group)

            (found,) = await until(stopped)
            assert (found.topic, found.partition) == (bus.topic.name, 0)
            assert found.reason is StoppedReason.TOO_MANY_FAILURES
            assert [one.lag() for one in consumer.backlogs()] == [12]
        assert consumer.rebuilds == 0
    finally:
        await connected.close()
