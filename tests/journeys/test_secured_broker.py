"""The services as processes on the broker of docker-compose.yml: TLS, a login each, the rights of the catalogue."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4
from zlib import crc32

import asyncpg
import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError

from deploy.demo.client import Caller, Connections
from deploy.local.installation import SERVICES, Installation
from deploy.local.pack_loading import load_pack_once
from deploy.local.processes import Family
from deploy.local.supervisor import System, running_system
from libs.events.catalogue.referral import OfferAccepted
from libs.events.cluster import Cluster
from libs.events.handling.batch import NOT_BELIEVED
from tests.compose_broker import ComposeBroker, start_compose_broker
from tests.service.registration.test_forged_events import message

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1800), pytest.mark.asyncio(loop_scope="module")]
PARTNER = "casa-del-migrante"
PATIENCE_SECONDS = 120.0
T = TypeVar("T")


@dataclass
class Secured:
    """The whole system, and its broker."""

    system: System
    broker: ComposeBroker
    connections: Connections

    def caller(self, client_id: str) -> Caller:
        secret = self.system.installation.clients.get(client_id).secret
        return Caller(self.connections, client_id, secret, self.system.environment["ENLACE_TOKEN_URL"])

    def url(self, word: str, path: str) -> str:
        return f"{self.system.environment[f'ENLACE_{word}_URL']}{path}"

    async def packet_status(self, offer_id: str) -> int:
        partner = self.caller(PARTNER)
        url = self.url("REGISTRATION", f"/v1/packets/{offer_id}")
        answer = await partner.call("GET", url, expect=frozenset({403, 404, 409}))
        return answer.status_code


async def until(look: Callable[[], Awaitable[T | None]]) -> T:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (found := await look()):  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.1)
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Secured]:
    directory, family = tmp_path_factory.mktemp("secured"), Family()
    patch = pytest.MonkeyPatch()
    try:
        broker = await start_compose_broker(directory, family)
        for name, value in broker.client("operator").items():
            patch.setenv(name, value)
        patch.delenv("KAFKA_PLAINTEXT_ALLOWED")
        own = {service.name: broker.client(service.name) for service in SERVICES}
        installation = Installation(state=directory / "state", own=own)
        async with running_system(installation, say=lambda _: None) as system, Connections() as connections:
            await load_pack_once(installation, lambda _: None)
            yield Secured(system, broker, connections)
    finally:
        patch.undo()
        family.close()


async def send(cluster: Cluster, topic: str, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None:
    producer = AIOKafkaProducer(**cluster.options(), request_timeout_ms=15_000)
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, key=key, headers=headers, partition=crc32(key) % 12)
    finally:
        await producer.stop()


def arrival(reference: str) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    consent = {
        "purpose": "referral", "recipient_class": "providers", "data_described": "what is needed to help me",
        "given_by": "self", "revocation_explained": True, "method": "signature", "language": "spa",
        "staff_reference": "desk-1", "given_at": now, "expires_at": "2099-01-01T00:00:00Z",
    }  # fmt: skip
    return {
        "sender_reference": f"{reference}/seat-1",
        "batch_reference": reference,
        "arrived_at": now,
        "identity": {
            "given_names": "Sample Given",
            "family_names": f"Sample {reference[:8]}",
            "birth_date": "1990-05-17",
        },
        "profile": {"nationality": "GT", "identity_document": "held", "destination": "GT12"},
        "needs": [{"category": one, "urgency": "emergency"} for one in ("food", "family_contact")],
        "consents": [consent],
    }


async def made_offers(secured: Secured) -> list[dict[str, Any]]:
    """What stands on the topic of referral, read as an operator."""
    found = []
    consumer = AIOKafkaConsumer(**secured.broker.cluster("operator").options(), enable_auto_commit=False)
    await consumer.start()
    try:
        names = [TopicPartition("enlace.referral", number) for number in range(12)]
        ends = await consumer.end_offsets(names)
        consumer.assign(names)
        for name in names:
            consumer.seek(name, 0)
        while any([await consumer.position(name) < end for name, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [json.loads(one.value) for one in records if ("ce_type", b"offer.made.v1") in one.headers]
    finally:
        await consumer.stop()
    return found


async def parked_at_registration(secured: Secured) -> list[tuple[str, str]]:
    connection = await asyncpg.connect(secured.system.databases["ENLACE_REGISTRATION_DATABASE_URL"])
    try:
        return [tuple(row) for row in await connection.fetch("SELECT reason, error FROM parked ORDER BY id")]
    finally:
        await connection.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def offers(secured: Secured) -> dict[str, dict[str, Any]]:
    """An arrival that a reception system has sent under its own login; by category, what was offered for it."""
    bus = str(uuid4())
    landed = {
        "sender_reference": bus, "mode": "bus", "reception_place": "GT12", "people_count": 1,
        "landed_at": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    for type_, body in (("arrival-batch.landed.v1", landed), ("returnee.arrived.v1", arrival(bus))):
        headers = [
            ("ce_specversion", b"1.0"), ("ce_id", str(uuid4()).encode()), ("ce_source", b"urn:sample:reception"),
            ("ce_type", type_.encode()), ("content-type", b"application/json"),
        ]  # fmt: skip
        key, value = body["sender_reference"].encode(), json.dumps(body).encode()
        await send(secured.broker.cluster("reception-system"), "enlace.arrivals", key, value, headers)

    async def both() -> dict[str, dict[str, Any]] | None:
        found = {one["category"]: one for one in await made_offers(secured)}
        return found if {"food", "family_contact"} <= found.keys() else None

    return await until(both)


def acceptance_of(offer: dict[str, Any]) -> OfferAccepted:
    """All of it is known to whoever may read the topic."""
    return OfferAccepted(**{name: offer[name] for name in OfferAccepted.model_fields if name in offer})


async def test_a_stranger_is_refused_by_the_broker(secured: Secured, offers: dict[str, dict[str, Any]]) -> None:
    forged = message(acceptance_of(offers["family_contact"]), None)
    stranger = await secured.broker.add_user("stranger", "a-password-of-a-stranger")
    for cluster in (
        stranger,
        *(secured.broker.cluster(name) for name in ("operator", "reception-system", "notifications")),
    ):
        with pytest.raises(TopicAuthorizationFailedError):
            await send(cluster, *forged)
    with pytest.raises(TopicAuthorizationFailedError):
        await send(stranger, "enlace.arrivals", *forged[1:])
    assert await secured.packet_status(offers["family_contact"]["offer_id"]) == 409


async def test_who_may_write_and_has_no_key_opens_nothing(secured: Secured, offers: dict[str, dict[str, Any]]) -> None:
    """As with a stolen password of referral's."""
    offer = offers["family_contact"]
    before = len(await parked_at_registration(secured))
    await send(secured.broker.cluster("referral"), *message(acceptance_of(offer), None))

    async def parked() -> bool:
        return len(await parked_at_registration(secured)) > before

    await until(parked)
    assert (await parked_at_registration(secured))[before:] == [(NOT_BELIEVED, "signature-missing")]
    assert await secured.packet_status(offer["offer_id"]) == 409


async def test_an_arrival_becomes_an_accepted_offer_and_an_opened_packet(
    secured: Secured, offers: dict[str, dict[str, Any]]
) -> None:
    offer_id = offers["food"]["offer_id"]
    partner = secured.caller(PARTNER)
    await partner.post(secured.url("REFERRAL", f"/v1/offers/{offer_id}/accept"))

    async def opened() -> bool:
        return await secured.packet_status(offer_id) == httpx.codes.OK

    await until(opened)
    packet = await partner.get(secured.url("REGISTRATION", f"/v1/packets/{offer_id}"))
    assert packet["offer_id"] == offer_id
    for word in ("REGISTRATION", "DIRECTORY", "REFERRAL", "NOTIFICATIONS"):
        assert (await secured.connections.http.get(secured.url(word, "/workz"))).status_code == httpx.codes.OK, word
