"""Arrivals over real Kafka: both modes of CloudEvents become registered events; what cannot be read is sealed."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from libs.chassis.clock import Clock
from libs.chassis.database import Database, raw
from libs.chassis.sealed_log import Link, seal_once
from libs.chassis.sealed_log_check import check, link_of
from libs.events.cli.seals import read_seals
from libs.events.consumer import Consumer
from libs.events.relay import Relay
from libs.events.topics import TOPICS, ensure_topics
from services.registration.app import subscriptions_of
from services.registration.audit.actions import record, tell_seal
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.audit.tables import AUDIT
from services.registration.database import KeysDatabase
from services.registration.pack import load_pack
from services.registration.vault.sealing import MasterKey, Vault
from tests.infra import for_service
from tests.service.registration.conftest import KEY, LANDED_AT, PACK, RESTRICTED_KEY, a_returnee, an_announcement
from tests.signing import ANYBODY, KEYRING

pytestmark = [pytest.mark.kafka]
DEADLINE_SECONDS = 90
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class Bus:
    """Registration's worker and relay on a broker, and a reception system that sends to it."""

    producer: AIOKafkaProducer
    url: str
    vault: Vault
    source: str
    bootstrap: str
    ends: dict[TopicPartition, int]

    async def binary(self, type_: str, data: dict[str, Any], **attributes: str) -> None:
        """Send one event in binary mode."""
        found = {"specversion": "1.0", "id": str(uuid4()), "source": self.source, "type": type_} | attributes
        headers = [(f"ce_{name}", value.encode()) for name, value in found.items()]
        key = data["sender_reference"].encode() if "sender_reference" in data else b"unkeyed"
        await self.producer.send_and_wait(
            "enlace.arrivals",
            json.dumps(data).encode(),
            key=key,
            headers=[("content-type", b"application/json"), *headers],
        )

    async def structured(self, type_: str, data: dict[str, Any]) -> None:
        """Send one event in structured mode."""
        event = {"specversion": "1.0", "id": str(uuid4()), "source": self.source, "type": type_, "data": data}
        headers = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
        await self.producer.send_and_wait(
            "enlace.arrivals", json.dumps(event).encode(), key=data["sender_reference"].encode(), headers=headers
        )

    async def until(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        """Rows of the database as soon as there are any."""
        connection = await asyncpg.connect(self.url)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while True:
                    if rows := await connection.fetch(sql, *values):
                        return rows
                    await asyncio.sleep(0.1)
        finally:
            await connection.close()

    async def published(self, type_: str, count: int = 1) -> list[dict[str, Any]]:
        """The first `count` events of a type that come out on enlace.registration, with their headers."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        found: list[dict[str, Any]] = []
        try:
            mine = [partition for partition in self.ends if partition.topic == "enlace.registration"]
            consumer.assign(mine)
            for partition in mine:
                consumer.seek(partition, self.ends[partition])
            async with asyncio.timeout(DEADLINE_SECONDS):
                async for record in consumer:
                    headers = {name: value.decode() for name, value in record.headers}
                    if headers.get("ce_type") == type_ and await self._is_mine(headers["ce_id"]):
                        found.append(json.loads(record.value) | {"headers": headers, "key": record.key.decode()})
                    if len(found) == count:
                        break
        finally:
            await consumer.stop()
        return found

    async def _is_mine(self, event_id: str) -> bool:
        """Others may use the same broker; what is ours is in our archive, at the latest a moment later."""
        sql = "SELECT 1 FROM outbox_sent WHERE event_id = $1::uuid UNION ALL SELECT 1 FROM outbox WHERE event_id = $1"
        connection = await asyncpg.connect(self.url)
        try:
            return bool(await connection.fetch(sql, event_id))
        finally:
            await connection.close()


async def ends_of(bootstrap: str) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        topics = ("enlace.arrivals", "enlace.referral", "enlace.registration")
        partitions = [TopicPartition(topic, number) for topic in topics for number in range(12)]
        return await consumer.end_offsets(partitions)
    finally:
        await consumer.stop()


@pytest.fixture
async def bus(postgres_server: Any, kafka_bootstrap: str) -> AsyncIterator[Bus]:
    """A group of its own that begins at the present end of the topics."""
    await ensure_topics(kafka_bootstrap, TOPICS.values())
    url = postgres_server.migrated("registration")
    keys = KeysDatabase(postgres_server.migrated("registration", "keys_migrations"))
    database = Database(for_service(url), clock=Clock(), application_name="registration-events-test")
    vault = Vault(MasterKey.from_base64(KEY), keys, MasterKey.from_base64(RESTRICTED_KEY))
    group = f"registration-{uuid4()}"
    ends = await ends_of(kafka_bootstrap)
    connection = await asyncpg.connect(url)
    await connection.executemany(
        "INSERT INTO consumer_position (consumer_group, topic, partition, next_offset) VALUES ($1, $2, $3, $4)",
        [(group, partition.topic, partition.partition, end) for partition, end in ends.items()],
    )
    await connection.close()
    consumer = Consumer(
        kafka_bootstrap,
        subscriptions_of(vault=vault, pack=load_pack(PACK), group=group),
        transaction=database.transaction,
        seal=vault.seal_parked,
        unseal=vault.open_parked,
        digest=vault.master.digest_of,
        keyring=KEYRING,
    )
    relay = Relay(url, kafka_bootstrap, source="urn:enlace:registration", signer=ANYBODY)
    stop = asyncio.Event()
    loops = [asyncio.create_task(consumer.run(stop)), asyncio.create_task(relay.run(stop))]
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()
    yield Bus(producer, url, vault, f"urn:reception:{uuid4()}", kafka_bootstrap, ends)
    await producer.stop()
    stop.set()
    await asyncio.wait_for(asyncio.gather(*loops), 300)
    await database.close()
    await keys.close()


async def test_arrivals_of_both_modes_in_any_order_become_registered_events(bus):
    bus_reference = "bus-7"
    first = a_returnee(
        sender_reference="p-1",
        batch_reference=bus_reference,
        manifest_reference="seat-0",
        needs=[{"category": "shelter"}, {"category": "food"}],
    )
    second = a_returnee(sender_reference="p-2", batch_reference=bus_reference)
    await bus.binary("returnee.arrived.v1", first, traceparent=TRACEPARENT)
    await bus.structured("returnee.arrived.v1", second)
    landed = {"mode": "bus", "reception_place": "GT12", "landed_at": LANDED_AT.isoformat(), "people_count": 2}
    await bus.structured("arrival-batch.landed.v1", {"sender_reference": bus_reference} | landed)
    announced = an_announcement(1, sender_reference=bus_reference, mode="bus", reception_place="GT12")
    await bus.binary("arrival-batch.announced.v1", announced)
    await bus.binary("returnee.arrived.v1", first)  # told again under another id
    registered = await bus.published("returnee.registered.v1", 2)
    assert len({event["case_code"] for event in registered}) == 2
    for event in registered:
        assert event["key"] == event["returnee_id"]
        trace = event["headers"]["traceparent"][3:35]
        assert trace != TRACEPARENT[3:35], "a person's trace is their own; it is linked to how they came"
    (completed,) = await bus.published("arrival-batch.intake-completed.v1")
    assert (completed["returnee_count"], completed["need_count"]) == (2, 2)
    (batch,) = await bus.until("SELECT * FROM arrival_batch WHERE status = 'intake_completed'")
    assert (batch["registered_count"], batch["people_count"]) == (2, 2)
    await bus.until("SELECT 1 FROM manifest_entry WHERE status = 'registered'")
    (count,) = await bus.until("SELECT count(*) AS n FROM returnee")
    assert count["n"] == 2


async def test_what_cannot_be_read_is_parked_sealed_and_blocks_nobody(bus):
    mark = "Zzkanari"
    bad = a_returnee(sender_reference="p-bad", identity={"given_names": mark})
    await bus.binary("returnee.arrived.v1", bad)
    impossible = a_returnee(
        sender_reference="p-odd",
        identity={"given_names": mark, "family_names": mark},
        arrived_at="9999-12-31T23:59:59Z",
    )
    await bus.binary("returnee.arrived.v1", impossible)
    await bus.binary("returnee.arrived.v1", a_returnee(sender_reference="p-good"))
    await bus.published("returnee.registered.v1")
    parked: list[asyncpg.Record] = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(parked) < 2:
            parked = await bus.until(
                "SELECT *, parked::text AS shown FROM parked WHERE topic = 'enlace.arrivals' ORDER BY id"
            )
            await asyncio.sleep(0.1)
    for row in parked:
        assert row["sealed"] is True
        assert mark not in row["shown"]
        assert mark.encode().hex() not in row["shown"]
        content = json.loads(bus.vault.open_parked(row["content"]))
        assert mark.encode() in base64.b64decode(content["value"]), "whoever has the key can repair and retry it"


async def test_a_time_that_cannot_be_is_parked_under_its_reason_and_a_birth_date_is_set_aside(bus):
    born = {"given_names": "Muestra", "family_names": "Ejemplo", "birth_date": 0}
    told = [
        a_returnee(sender_reference="p-2036", arrived_at="2096-03-02T19:40:00Z"),
        a_returnee(sender_reference="p-0", identity=born),
    ]
    for body in told:
        await bus.binary("returnee.arrived.v1", body)
    await bus.binary("returnee.arrived.v1", a_returnee(sender_reference="p-good"), time="2096-03-02T19:40:00Z")
    await bus.published("returnee.registered.v1", 2)
    (parked,) = await bus.until("SELECT reason, error FROM parked WHERE topic = 'enlace.arrivals'")
    assert tuple(parked) == ("invalid-input", "/arrived_at too-far-ahead")
    (aside,) = await bus.until("SELECT pointer, rule FROM doubtful_part")
    assert tuple(aside) == ("/identity/birth_date", "day")


async def test_seals_of_the_record_leave_the_database_and_show_a_cut_end(bus):
    database = Database(bus.url, clock=Clock(), application_name="registration-seals-test")
    key = b"the key of the seals"
    actor = Actor("desk", "desk")
    access = Access(uuid4(), AccessKind.READ, "returnee.read", AccessPurpose.REGISTRATION, ["given_names"])
    try:
        async with database.transaction() as session:
            await record(session, actor, [access])
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await seal_once(database, AUDIT, keys=[key], tell=tell_seal):
                pass
            (sealed,) = await bus.until("SELECT encode(hash, 'hex') AS hash FROM audit_seal")
            told: list[Link] = []
            while not told:
                found, _ = await read_seals(
                    bus.bootstrap, "enlace.registration-audit", writer="registration", keyring=KEYRING
                )
                told = [link_of(one) for one in found if one["hash"] == sealed["hash"]]
        async with database.transaction() as session:
            assert (await check(session, AUDIT, keys=[key], told=told)).is_sound
            await (await raw(session)).execute(
                "SET LOCAL session_replication_role = replica; DELETE FROM audit_entry; DELETE FROM audit_seal"
            )
            assert (await check(session, AUDIT, keys=[key], told=told)).faults == [
                "seal 1 was published and is missing here"
            ]
        await bus.producer.send_and_wait("enlace.registration-audit", b"{}", key=b"registration")
        async with asyncio.timeout(DEADLINE_SECONDS):
            _, faults = await read_seals(
                bus.bootstrap, "enlace.registration-audit", writer="registration", keyring=KEYRING
            )
        assert faults, "what the service has not signed is no seal"
    finally:
        await database.close()
