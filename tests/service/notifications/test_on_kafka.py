"""The whole way on a real Kafka: referral's outbox, the topic, the subscriber, a signed webhook at a receiver."""

import asyncio
import json
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from libs.events import outbox
from libs.events.consumer import Consumer
from libs.events.relay import Relay
from libs.events.subscriptions import Subscriptions
from libs.events.topics import ensure_topics
from services.notifications.inbox.subscribers import subscribe
from tests.service.notifications.conftest import TRACEPARENT, a_database, an_offer
from tests.signing import KEYRING, SIGNERS

pytestmark = [pytest.mark.kafka]


@asynccontextmanager
async def going(*loops):
    """Run these until the block ends."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(loop.run(stop)) for loop in loops]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 300)


def listener(service, kafka_bootstrap) -> Consumer:
    """What listens in the service, in a group of this test's own."""
    subscriptions = Subscriptions(group=f"notifications-{uuid4()}")
    subscribe(subscriptions)
    return Consumer(kafka_bootstrap, subscriptions, transaction=service.database.transaction, keyring=KEYRING)


async def test_an_offer_made_on_kafka_becomes_a_signed_webhook_on_the_same_trace(
    service, webhooks, kafka_bootstrap, migrated
):
    await ensure_topics(kafka_bootstrap)
    organization_id = uuid4()
    endpoint = await service.add_endpoint(webhooks.url, organization_id)
    theirs = migrated("notifications")  # any database with an outbox can stand for referral's
    offer = an_offer(organization_id)
    async with a_database(theirs) as referral:
        async with referral.transaction() as session:
            await outbox.append(session, [offer], traceparents=[TRACEPARENT])
        relays = [
            Relay(theirs, kafka_bootstrap, source="urn:enlace:referral", signer=SIGNERS["referral"]),
            Relay(service.url, kafka_bootstrap, source="urn:enlace:notifications", signer=SIGNERS["notifications"]),
        ]
        async with going(*relays, listener(service, kafka_bootstrap)):
            service.start(service.sender())
            (call,) = await webhooks.wait_for(1, seconds=120)
            content = call.verified_by(endpoint["secret"])
            assert (content["type"], content["data"]["offer_id"]) == ("offer.made.v1", str(offer.offer_id))
            assert call.headers["traceparent"].split("-")[1] != TRACEPARENT.split("-")[1]
            told = await published(kafka_bootstrap, key=endpoint["id"])
            await service.stop()
    assert told.headers["ce_type"] == b"delivery.succeeded.v1"
    assert told.headers["ce_traceparent"].decode().split("-")[1] == TRACEPARENT.split("-")[1]
    assert json.loads(told.value)["event_type"] == "offer.made.v1"
    page = (await service.get("/v1/inbox", organization_id)).json()
    assert [item["message_id"] for item in page["items"]] == [call.message_id]


class Told:
    """A record with its headers as a mapping."""

    def __init__(self, record):
        self.headers, self.value = dict(record.headers), record.value


async def published(kafka_bootstrap, *, key, seconds=60):
    """The first record of enlace.notifications with this key."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition("enlace.notifications", number) for number in range(12)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        async with asyncio.timeout(seconds):
            async for record in consumer:
                if record.key == key.encode():
                    return Told(record)
    finally:
        await consumer.stop()
