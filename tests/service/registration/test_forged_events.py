"""An attacker who can write to Kafka: what referral or the directory hasn't signed opens no packet, and stops nothing.

On real Kafka with registration's own consumer and API. Seen to fail with `Keyring.fault` believing everything.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zlib import crc32

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from libs.events.catalogue.directory import Accreditation, Agreement, OrganizationPublished
from libs.events.catalogue.journeys import JudgedOn
from libs.events.catalogue.referral import OfferAccepted, OfferUpheld, ReferralCancelled, ReferralCompleted
from libs.events.consumer import Consumer
from libs.events.event import Event
from libs.events.handling.batch import NOT_BELIEVED
from libs.events.messages.envelope import new_id
from libs.events.relaying.publishing import Publisher
from libs.events.signing import Signer
from libs.events.topics import TOPICS, ensure_topics
from services.registration.app import subscriptions_of
from tests.categories import CATEGORIES
from tests.events.bus import running as running_loops
from tests.service.registration.test_packets import a_person, accepted, facts, fetch
from tests.signing import KEYRING, SIGNERS, private_key

pytestmark = [pytest.mark.kafka]
HEARD = ("enlace.referral", "enlace.organizations", "enlace.arrivals")
UNTIL = date(2099, 1, 1)
Message = tuple[str, bytes, bytes, list[tuple[str, bytes]]]


def message(event: Event, signer: Signer | None = SIGNERS["referral"], *, at: datetime | None = None) -> Message:
    """What the relay sends of an event; without a signer a perfect forgery."""
    topic = TOPICS[event.topic]
    topics = {} if signer is None else {event.topic: topic}
    publisher = Publisher(None, source="urn:enlace:referral", topics=topics, signer=signer)  # type: ignore[arg-type]
    value = event.model_dump_json().encode()
    row = (1, new_id(), event.topic, event.key, event.type, value, None, None, at or datetime.now(UTC))
    ((_, headers),) = publisher.with_headers([row])
    return event.topic, event.key.encode(), value, headers


def standing(organization_id: UUID, version: int, status: str) -> OrganizationPublished:
    return OrganizationPublished(
        organization_id=organization_id,
        version=version,
        status=status,
        accreditations=[Accreditation(category=one, valid_until=UNTIL) for one in CATEGORIES],
        agreements=[Agreement(category=one, valid_until=UNTIL) for one in CATEGORIES],
    )


@dataclass
class Broker:
    """Where anybody may write."""

    registration: Any
    producer: AIOKafkaProducer
    group: str

    async def send(self, *messages: Message) -> None:
        for topic, key, value, headers in messages:
            await self.producer.send_and_wait(topic, value, key=key, headers=headers, partition=crc32(key) % 12)

    async def handled(self, *messages: Message) -> None:
        """Send, and wait until registration is past them."""
        await self.send(*messages)
        ends: dict[tuple[str, int], int] = {}
        for topic, key in {(one[0], one[1]) for one in messages}:
            name = TopicPartition(topic, crc32(key) % 12)
            ends[topic, name.partition] = (await ends_of(self.producer, [name]))[name]
        sql = "SELECT topic, partition, next_offset FROM consumer_position WHERE consumer_group = $1"
        async with asyncio.timeout(300):
            while True:
                rows = await self.registration.fetch(sql, self.group)
                at = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
                if all(at.get(name, -1) >= end for name, end in ends.items()):
                    return
                await asyncio.sleep(0.05)

    async def parked(self) -> list[tuple[str, str]]:
        sql = "SELECT reason, error FROM parked WHERE consumer_group = $1 ORDER BY id"
        return [tuple(row) for row in await self.registration.fetch(sql, self.group)]


async def ends_of(producer: AIOKafkaProducer, names: list[TopicPartition]) -> dict[TopicPartition, int]:
    servers = producer.client._bootstrap_servers
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
    await consumer.start()
    try:
        return await consumer.end_offsets(names)
    finally:
        await consumer.stop()


@pytest.fixture
async def broker(registration: Any, kafka_bootstrap: str) -> AsyncIterator[Broker]:
    await ensure_topics(kafka_bootstrap)
    group = f"registration-{uuid4()}"
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()
    ends = await ends_of(producer, [TopicPartition(topic, number) for topic in HEARD for number in range(12)])
    for name, end in ends.items():
        await registration.fetch(
            "INSERT INTO consumer_position (consumer_group, topic, partition, next_offset) VALUES ($1, $2, $3, $4)",
            group, name.topic, name.partition, end,
        )  # fmt: skip
    consumer = Consumer(
        kafka_bootstrap,
        subscriptions_of(vault=registration.vault, pack=registration.pack, group=group),
        transaction=registration.database.transaction,
        seal=registration.vault.seal_parked,
        digest=registration.vault.master.digest_of,
        keyring=KEYRING,
    )
    async with running_loops(consumer):
        yield Broker(registration, producer, group)
        assert consumer.why_unready() is None, "no partition has stopped"
    await producer.stop()


async def a_case(broker: Broker) -> dict[str, Any]:
    """A person, and an organisation in good standing that the directory itself has published."""
    known = facts(await a_person(broker.registration))
    await broker.handled(message(standing(known["organization_id"], 1, "active"), SIGNERS["provider_directory"]))
    return known


async def test_a_made_up_acceptance_opens_no_packet_and_does_not_hold_up_the_true_one(broker: Broker) -> None:
    known = await a_case(broker)
    forged = accepted(known | {"offer_id": uuid4()})
    await broker.handled(*[message(forged, None)] * 25)
    assert (await fetch(broker.registration, known | {"offer_id": forged.offer_id})).status_code == 409
    assert await broker.parked() == [(NOT_BELIEVED, "signature-missing")] * 25
    await broker.handled(message(accepted(known)))
    assert (await fetch(broker.registration, known)).status_code == 200


def of_another(name: str) -> Any:
    def forge(event: OfferAccepted) -> Message:
        return message(event, Signer(private_key(name), {"referral"}))

    return forge


def with_a_copied_signature(event: OfferAccepted) -> Message:
    """The attacker accepts an offer of their own, and moves its signature to another one."""
    own = message(event.model_copy(update={"offer_id": uuid4(), "organization_id": uuid4()}))
    return own[0], own[1], event.model_dump_json().encode(), own[3]


def with_another_persons_key(event: OfferAccepted) -> Message:
    topic, key, _, headers = message(event.model_copy(update={"returnee_id": uuid4()}))
    return topic, key, event.model_dump_json().encode(), headers


def moved_from_another_type(event: OfferAccepted) -> Message:
    """A true signature over the same offer's data as another type."""
    topic, key, value, headers = message(event)
    plain = [one for one in headers if not one[0].startswith("ce_signature")]
    as_other = [(name, b"offer.acknowledged.v1" if name == "ce_type" else told) for name, told in plain]
    return topic, key, value, [*plain, *SIGNERS["referral"].sign(topic, key, as_other, value)]


def in_structured_mode(event: OfferAccepted) -> Message:
    topic, key, value, headers = message(event)
    given = {name.removeprefix("ce_"): told.decode() for name, told in headers if name.startswith("ce_")}
    whole = given | {"data": json.loads(value)}
    kept = [one for one in headers if one[0].startswith("ce_signature")]
    return topic, key, json.dumps(whole).encode(), [("content-type", b"application/cloudevents+json"), *kept]


def older_than_the_inbox(event: OfferAccepted) -> Message:
    return message(event, at=datetime.now(UTC) - timedelta(days=28))


FORGERIES = [
    (of_another("notifications"), "signature-of-another-service"),
    (of_another("registration"), "signature-of-another-service"),
    (of_another("a stranger"), "signature-key-unknown"),
    (with_a_copied_signature, "signature-wrong"),
    (with_another_persons_key, "signature-wrong"),
    (moved_from_another_type, "signature-wrong"),
    (in_structured_mode, "signature-wrong"),
    (older_than_the_inbox, "older-than-the-inbox"),
]


async def test_no_borrowed_copied_moved_or_old_signature_opens_a_packet(broker: Broker) -> None:
    known = await a_case(broker)
    for forge, why in FORGERIES:
        event = accepted(known | {"offer_id": uuid4(), "returnee_id": known["returnee_id"]})
        await broker.handled(forge(event))
        answer = await fetch(broker.registration, known | {"offer_id": event.offer_id})
        assert answer.status_code == 409, why
        assert (await broker.parked())[-1] == (NOT_BELIEVED, why)
    assert len(await broker.parked()) == len(FORGERIES)


async def test_a_true_acceptance_that_is_sent_again_after_the_end_opens_nothing_again(broker: Broker) -> None:
    known = await a_case(broker)
    opening = message(accepted(known))
    await broker.handled(opening)
    assert (await fetch(broker.registration, known)).status_code == 200
    base = {name: value for name, value in known.items() if name in ReferralCancelled.model_fields}
    await broker.handled(message(ReferralCancelled(**base, reason="met_elsewhere")))
    assert (await fetch(broker.registration, known)).status_code != 200
    await broker.handled(opening, opening)
    assert (await fetch(broker.registration, known)).status_code != 200
    assert await broker.parked() == []


async def test_a_forged_end_far_ahead_and_a_forged_word_of_a_desk_change_no_packet(broker: Broker) -> None:
    """An ended referral's packet is not judged again: a made-up end would keep it open whatever is known later."""
    known = await a_case(broker)
    await broker.handled(message(accepted(known)))
    base = {name: value for name, value in known.items() if name in ReferralCompleted.model_fields}
    completed = ReferralCompleted(**base | {"at": datetime(2090, 1, 1, tzinfo=UTC)}, outcome="need_met")
    upheld = OfferUpheld(
        **{name: value for name, value in known.items() if name in OfferUpheld.model_fields},
        judged_on=JudgedOn(profiles=[], household_version=None),
        by_desk=True,
    )
    before = await broker.registration.fetch("SELECT * FROM packet_access WHERE offer_id = $1", known["offer_id"])
    await broker.handled(message(completed, None), message(upheld, None))
    after = await broker.registration.fetch("SELECT * FROM packet_access WHERE offer_id = $1", known["offer_id"])
    assert [dict(row) for row in after] == [dict(row) for row in before]


async def test_a_suspended_organisation_does_not_publish_itself_active_again(broker: Broker) -> None:
    known = await a_case(broker)
    directory = SIGNERS["provider_directory"]
    await broker.handled(message(accepted(known)))
    await broker.handled(message(standing(known["organization_id"], 2, "suspended"), directory))
    halted = await fetch(broker.registration, known)
    assert halted.status_code == 403 or halted.json()["code"] == "packet-halted"
    await broker.handled(
        message(standing(known["organization_id"], 3, "active"), None),
        message(standing(known["organization_id"], 3, "active"), SIGNERS["referral"]),
        message(standing(known["organization_id"], 1, "active"), directory),
    )
    assert (await fetch(broker.registration, known)).status_code == halted.status_code
