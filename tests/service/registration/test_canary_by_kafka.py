"""Marked words in every place that a sender on `enlace.arrivals` fills stand in no table and in no message of ours:
handled, repeated, parked."""

import json
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.events.bus import until
from tests.service.registration.conftest import a_consent, a_returnee, an_announcement
from tests.service.registration.test_bad_messages import ARRIVALS, headers, service
from tests.service.registration.test_events import ends_of

pytestmark = [pytest.mark.kafka]
assert service, "a fixture"
SOURCE = "urn:reception:canary"


def records_of(mark):
    """What is handled, and what is parked: an id that comes again, a wrong field, a wrong source, another person."""
    seat = {"sender_reference": f"{mark}-seat", "given_names": mark, "family_names": mark}
    batch = f"{mark}-flight"
    announced = an_announcement(entries=[seat], sender_reference=batch, carrier=f"{mark} Aérea", origin=f"From {mark}")
    person = a_returnee(
        sender_reference=f"{mark}-person",
        batch_reference=batch,
        manifest_reference=f"{mark}-seat",
        household_reference=f"{mark}-family",
        identity={"given_names": mark, "family_names": mark, "document_number": mark},
        consents=[a_consent(data_described=f"What {mark} allows", staff_reference=f"{mark}-desk")],
        safe_contact={"channel": "email", "address": f"{mark}@example.org"},
        needs=[{"category": "health", "sender_reference": f"{mark}-need"}],
    )
    landed = {name: announced[name] for name in ("sender_reference", "mode", "reception_place")}
    landed |= {"landed_at": announced["expected_at"], "people_count": 1}
    structured = {"specversion": "1.0", "id": f"{mark}-structured", "source": SOURCE, "type": "returnee.arrived.v1"}
    other = person | {"sender_reference": f"{mark}-other", "manifest_reference": None, "household_reference": None}
    arrived = headers(f"{mark}-person", SOURCE)
    right = [
        (announced, headers(f"{mark}-announced", SOURCE, type_="arrival-batch.announced.v1")),
        (landed, headers(f"{mark}-landed", SOURCE, type_="arrival-batch.landed.v1")),
        (person, arrived),
        (structured | {"data": other}, [("content-type", b"application/cloudevents+json")]),
    ]
    wrong = [
        (other, arrived),
        (person | {"profile": {mark: mark}}, headers(f"{mark}-wrong", SOURCE)),
        (person, headers(f"{mark}-source", f"urn:recepción:{mark}")),
        (person | {"identity": {"given_names": "A", "family_names": "B"}}, headers(f"{mark}-reused", SOURCE)),
    ]
    return right, wrong


async def send(bootstrap, mark, records):
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for body, attributes in records:
            value = json.dumps(body).encode()
            await producer.send_and_wait(ARRIVALS, value, key=mark.encode(), headers=attributes)


async def tables_that_tell(url, mark):
    connection = await asyncpg.connect(url)
    words = [f"%{mark}%", f"%{mark.encode().hex()}%", f"%{mark.lower().encode().hex()}%"]
    try:
        names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return [
            row["tablename"]
            for row in names
            if await connection.fetchval(
                f'SELECT EXISTS (SELECT FROM "{row["tablename"]}" t WHERE t::text ILIKE ANY ($1))', words
            )
        ]
    finally:
        await connection.close()


async def ours_since(bootstrap, ends):
    """Every record of the other topics after these ends: key, value and headers, as consumers get them."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        until_then = await consumer.end_offsets(list(ends))
        consumer.assign(list(ends))
        for partition, end in ends.items():
            consumer.seek(partition, end)
        found = []
        while any([await consumer.position(one) < end for one, end in until_then.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [repr((one.key, one.value, one.headers)) for one in records]
        return found
    finally:
        await consumer.stop()


async def messages_that_tell(bootstrap, before, mark):
    """Our own records since then that hold the mark."""
    told = await ours_since(bootstrap, {one: end for one, end in before.items() if one.topic != ARRIVALS})
    assert any("returnee.registered.v1" in one for one in told), "messages are looked through at all"
    return [one for one in told if mark in one]


async def test_marked_words_of_a_sender_stand_in_no_table(service, kafka_bootstrap, postgres_server, caplog):
    """Seen to fail with the id, the words of the batch and the reference of the staff in clear, one by one; and
    with the topic of arrivals among the messages that are read."""
    caplog.set_level("DEBUG")
    _, url, group = service
    mark = f"Zz{uuid4().hex[:10]}"
    right, wrong = records_of(mark)
    connection = await asyncpg.connect(url)
    before: dict[TopicPartition, int] = await ends_of(kafka_bootstrap)

    async def sent_on():
        return await connection.fetchval("SELECT count(*) FROM outbox") == 0

    async def handled():
        ends = await ends_of(kafka_bootstrap)
        rows = await connection.fetch(
            "SELECT partition, next_offset FROM consumer_position WHERE consumer_group = $1 AND topic = $2",
            *(group, ARRIVALS),
        )
        found = {row["partition"]: row["next_offset"] for row in rows}
        return all(found.get(name.partition) == end for name, end in ends.items() if name.topic == ARRIVALS)

    await send(kafka_bootstrap, mark, [*right, *right, *wrong])
    await until(handled, seconds=300)
    await until(sent_on, seconds=300)
    # Of other tests there may be events too, and those that they parked.
    mine = (group, SOURCE)
    taken = await connection.fetchval("SELECT count(*) FROM inbox WHERE consumer_group = $1 AND source = $2", *mine)
    parked = await connection.fetch("SELECT source, reason FROM parked WHERE consumer_group = $1 ORDER BY id", group)
    await connection.close()
    assert taken == len(right)
    reasons = [row["reason"] for row in parked if row["source"] == SOURCE]
    assert reasons == ["id-reused", "schema", "arrival-reference-reused"]
    assert "envelope" in [row["reason"] for row in parked if row["source"] is None]
    assert await messages_that_tell(kafka_bootstrap, before, mark) == []
    assert await tables_that_tell(url, mark) == []
    assert await tables_that_tell(postgres_server.migrated("registration", "keys_migrations"), mark) == []
    ours = [record for record in caplog.records if record.name.startswith(("libs", "services"))]
    assert ours, "logs are looked through at all"
    assert not [record for record in ours if mark in str(vars(record))]
