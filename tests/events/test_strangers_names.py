"""What a stranger calls an event stands in no table in clear where identity data may come, and is known again there."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from libs.events.audit import Hand, RefusedError
from libs.events.handling.keyed import KEYED, key_anew, keyed_name
from libs.events.operating.logs import reading
from libs.events.operating.positions import Target, reset
from libs.events.replaying import Service, rebuild
from libs.events.signing import Keyring
from tests.events.bus import Bus, digest, event_digest, event_headers, running, until
from tests.events.failures.observing import position
from tests.events.test_cli import CANARY, lines, typed
from tests.events.test_poison import seal, unseal

Make = Callable[..., Awaitable[Bus]]
ANA = Hand("ana", "a test")
STRUCTURED = [("content-type", b"application/cloudevents+json")]
DIGEST = ("--digest", f"{event_digest.__module__}:{event_digest.__name__}")


async def personal(make_bus: Make) -> Bus:
    return await make_bus(partitions=1, foreign=True, personal=True)


async def send(bus: Bus, number: object, *, id_: str, key: str = "a") -> None:
    async with bus.producer() as producer:
        value = json.dumps({"number": number, "name": "b"}).encode()
        headers = event_headers(bus.counted.type, id_)
        await producer.send_and_wait(bus.topic.name, value, key=key.encode(), headers=headers, partition=0)


async def send_structured(bus: Bus, *, id_: str) -> None:
    attributes = {"specversion": "1.0", "id": id_, "source": "urn:test:foreign", "type": bus.counted.type}
    async with bus.producer() as producer:
        value = json.dumps(attributes | {"data": {"number": 9, "name": "b"}}).encode()
        await producer.send_and_wait(bus.topic.name, value, key=b"a", headers=STRUCTURED, partition=0)


async def told_by(bus: Bus) -> set[str]:
    """Tables of which a row holds the canary, as text or as bytes; without that of the test's own effects."""
    words = [f"%{CANARY}%", f"%{CANARY.encode().hex()}%"]
    tables = await bus.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'effect'")
    return {
        name["tablename"]
        for name in tables
        if await bus.fetch(f'SELECT 1 FROM "{name["tablename"]}" t WHERE t::text ILIKE ANY ($1) LIMIT 1', words)
    }


async def numbers(bus: Bus) -> list[int]:
    return [number for _, _, number in await bus.effects()]


async def test_ids_that_were_handled_repeated_reused_or_parked_stand_in_no_table(make_bus: Make) -> None:
    """Seen to fail with the clear id in the inbox, in the parked row, and in the position, one by one."""
    bus = await personal(make_bus)
    async with running(
        bus.consumer(bus.subscriptions(poison=lambda event: event.number == 5), seal=seal, unseal=unseal)
    ):
        for number, id_ in ((1, "handled"), (1, "handled"), (2, "handled"), ("x", "unreadable"), (5, "failing")):
            await send(bus, number, id_=f"{CANARY}-{id_}", key=f"{CANARY}-key")
        for _ in range(2):
            await send_structured(bus, id_=f"{CANARY}-structured")
        await until(position(bus, 7))
    assert await numbers(bus) == [1, 9]
    rows = await bus.fetch("SELECT reason, event_id, source FROM parked ORDER BY log_offset")
    assert [row["reason"] for row in rows] == ["id-reused", "schema", "handler"]
    assert {row["source"] for row in rows} == {"urn:test:foreign"}, "an operator sees whose it is"
    assert [row["event_id"] for row in rows] == [
        keyed_name(f"{CANARY}-{id_}", digest) for id_ in ("handled", "unreadable", "failing")
    ]
    inbox = {row["event_id"] for row in await bus.fetch("SELECT event_id FROM inbox")}
    assert inbox == {keyed_name(f"{CANARY}-{id_}", digest) for id_ in ("handled", "structured")}
    (last,) = await bus.fetch("SELECT last_event_id FROM consumer_position")
    assert last["last_event_id"].startswith(KEYED), "a digest of the whole message without a key could be tried out"
    assert await told_by(bus) == set()


async def test_on_other_topics_ids_stand_as_they_came(make_bus: Make) -> None:
    bus = await make_bus(partitions=1, foreign=True)
    await send(bus, 1, id_="id-1")
    async with running(bus.consumer()):
        await until(position(bus, 1))
    (row,) = await bus.fetch("SELECT event_id, last_event_id FROM inbox, consumer_position")
    assert tuple(row) == ("id-1", "id-1")


async def as_before(bus: Bus, id_: str) -> None:
    """Tables as a version of before has left them."""
    await bus.fetch("UPDATE inbox SET event_id = $1", id_)
    await bus.fetch("UPDATE consumer_position SET last_event_id = $1", id_)


async def test_an_event_that_a_version_of_before_has_handled_is_a_repeat_and_its_id_is_taken(make_bus: Make) -> None:
    """Seen to handle it twice without the look-up by the id in clear; without the position in clear it stops."""
    bus = await personal(make_bus)
    await send(bus, 1, id_="id-1")
    async with running(bus.consumer(seal=seal, unseal=unseal)):
        await until(position(bus, 1))
    await as_before(bus, "id-1")
    async with running(bus.consumer(seal=seal, unseal=unseal)):
        await send(bus, 1, id_="id-1")
        await send(bus, 2, id_="id-1")
        await send(bus, 3, id_="id-3")
        await until(position(bus, 4))
    assert await numbers(bus) == [1, 3]
    assert [row["reason"] for row in await bus.fetch("SELECT reason FROM parked")] == ["id-reused"]
    await bus.fetch("UPDATE consumer_position SET next_offset = 0, last_event_id = NULL")
    async with running(bus.consumer(seal=seal, unseal=unseal)):
        await until(position(bus, 4))
    assert await numbers(bus) == [1, 3]


async def test_whoever_knows_a_digest_does_not_pass_for_its_event(make_bus: Make) -> None:
    """Seen to be dropped as a repeat where every id is looked up as it came too."""
    bus = await personal(make_bus)
    async with running(bus.consumer(seal=seal, unseal=unseal)):
        await send(bus, 1, id_="id-1")
        await until(position(bus, 1))
        await send(bus, 2, id_=keyed_name("id-1", digest))
        await until(position(bus, 2))
    assert await numbers(bus) == [1, 2]


async def test_a_log_that_was_cut_is_noticed_under_either_form_of_the_last_event(make_bus: Make) -> None:
    bus = await personal(make_bus)
    await send(bus, 1, id_="id-1")
    async with running(bus.consumer(seal=seal, unseal=unseal)):
        await until(position(bus, 1))
    for other in ("id-of-another-log", keyed_name("id-of-another-log", digest)):
        await bus.fetch("UPDATE consumer_position SET last_event_id = $1", other)
        consumer = bus.consumer(seal=seal, unseal=unseal)
        async with running(consumer):

            async def stopped(one: Any = consumer) -> bool:
                return "holds another event than was handled" in (one.why_unready() or "")

            await until(stopped)


async def test_what_a_version_of_before_has_parked_or_handled_last_is_keyed_at_the_next_start(make_bus: Make) -> None:
    bus = await personal(make_bus)
    consumer = bus.consumer(seal=seal, unseal=unseal)
    async with running(consumer):
        await send(bus, "x", id_=CANARY)
        await until(position(bus, 1))
    await bus.fetch("UPDATE parked SET event_id = $1, identity = $1", CANARY)
    await bus.fetch("UPDATE consumer_position SET last_event_id = $1", CANARY)
    assert await told_by(bus) == {"parked", "consumer_position"}
    connection = await asyncpg.connect(bus.dsn)
    assert await key_anew(connection, bus.group, [bus.topic], digest) == 3
    assert await key_anew(connection, bus.group, [bus.topic], digest) == 0
    await connection.close()
    assert await told_by(bus) == set()
    async with running(bus.consumer(seal=seal, unseal=unseal)):
        await send(bus, 2, id_="id-2")
        await until(position(bus, 2))


async def test_an_operator_finds_a_parked_event_by_what_its_sender_tells(make_bus: Make) -> None:
    bus = await personal(make_bus)
    async with running(bus.consumer(seal=seal, unseal=unseal)):
        await send(bus, "x", id_=CANARY)
        await send(bus, "x", id_="id-2")
        await until(position(bus, 2))
    database = ("--database", bus.dsn)
    (found,) = await lines("parked", "find", CANARY, *database, *DIGEST)
    assert (found["offset"], found["source"], found["reason"]) == (0, "urn:test:foreign", "schema")
    assert await lines("parked", "find", "id-3", *database, *DIGEST) == []
    code, _, err = await typed("parked", "find", CANARY, *database)
    assert code == 1
    assert "--digest" in err
    assert (await typed("parked", "find", CANARY, *database, "--digest", "tests.events.bus:nothing"))[0] == 2
    await typed("parked", "discard", str(found["id"]), *database, "--reason", "asked for")
    assert await told_by(bus) == set()


async def test_a_parked_event_of_another_topic_is_found_without_a_digest(make_bus: Make) -> None:
    bus = await make_bus(partitions=1, foreign=True)
    async with running(bus.consumer()):
        await send(bus, "x", id_="id-1")
        await until(position(bus, 1))
    (found,) = await lines("parked", "find", "id-1", "--database", bus.dsn)
    assert found["offset"] == 0


async def test_a_position_is_moved_by_the_digest_of_the_last_event(make_bus: Make) -> None:
    bus = await personal(make_bus)
    async with running(bus.consumer(seal=seal, unseal=unseal)):
        for number in range(3):
            await send(bus, number, id_=f"id-{number}")
        await until(position(bus, 3))
    connection = await asyncpg.connect(bus.dsn)

    async def move(place: Target, **options: Any) -> tuple[Any, ...]:
        async with reading(bus.bootstrap) as logs:
            await reset(
                connection, logs, group=bus.group, topic=bus.topic.name, partition=0, target=place, by=ANA, **options
            )
        (row,) = await bus.fetch("SELECT next_offset, last_event_id FROM consumer_position")
        return tuple(row)

    with pytest.raises(RefusedError, match="--digest"):
        await move(Target.AFTER_LAST_EVENT)
    second = (2, keyed_name("id-1", digest))
    assert await move(Target.OFFSET, offset=2, digest=digest) == second
    await bus.fetch("UPDATE consumer_position SET next_offset = 3")
    assert await move(Target.AFTER_LAST_EVENT, digest=digest) == second
    await bus.fetch("UPDATE consumer_position SET last_event_id = $1", f"{KEYED}{'0' * 32}")
    with pytest.raises(RefusedError, match="does not contain the event"):
        await move(Target.AFTER_LAST_EVENT, digest=digest)
    assert await move(Target.OFFSET, offset=2) == (2, None), "nothing is written in clear"
    await connection.close()
    async with running(bus.consumer(seal=seal, unseal=unseal)):
        await until(position(bus, 3))
    assert await numbers(bus) == [0, 1, 2]


async def test_a_read_model_is_not_made_again_of_a_topic_with_identity_data(make_bus: Make) -> None:
    bus = await personal(make_bus)
    subscriptions = bus.subscriptions()

    @subscriptions.rebuilds(bus.counted, bus.renamed)
    async def effects(_: object) -> None:
        raise AssertionError("nothing is emptied")

    service = Service(
        subscriptions,
        bus.database.transaction,
        bus.database.close,
        Keyring({}),
        topics={bus.topic.name: bus.topic},
    )
    async with reading(bus.bootstrap) as logs:
        with pytest.raises(RefusedError, match="may contain identity data"):
            await rebuild(service, logs, topic=bus.topic.name, by=ANA)
