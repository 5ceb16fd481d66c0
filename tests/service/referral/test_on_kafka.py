"""The whole way on a real Kafka: registration's and the directory's events in, offers and answers out, on one trace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.events import outbox
from libs.events.consumer import Consumer
from libs.events.relay import Relay
from libs.events.topics import ensure_topics
from services.referral.app import subscriptions
from tests.service.referral import making
from tests.service.referral.world import Provider, World
from tests.signing import ANYBODY, KEYRING, SIGNERS

pytestmark = [pytest.mark.kafka]

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"


@asynccontextmanager
async def going(*loops: Any) -> AsyncIterator[None]:
    """Run these until the block ends."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(loop.run(stop)) for loop in loops]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 300)


async def until(found: Any, *, seconds: float = 300) -> Any:
    """What `found` gives as soon as it gives something."""
    async with asyncio.timeout(seconds):
        while not (result := await found()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        return result


async def told(bootstrap: str, returnee_id: object, kinds: set[str]) -> dict[str, dict[str, bytes]]:
    """The headers of this returnee's events on enlace.referral, by type, once all of `kinds` are there."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    found: dict[str, dict[str, bytes]] = {}
    try:
        partitions = [TopicPartition("enlace.referral", number) for number in range(12)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        async with asyncio.timeout(300):
            async for record in consumer:
                if record.key == str(returnee_id).encode():
                    headers = dict(record.headers)
                    found[headers["ce_type"].decode()] = headers
                if kinds <= found.keys():
                    return found
    finally:
        await consumer.stop()
    raise AssertionError("the topic ended")


async def test_events_of_two_services_become_an_offer_and_its_answer_on_one_trace(
    world: World, kafka_bootstrap: str, migrated: Any
):
    await ensure_topics(kafka_bootstrap)
    shelter, returnee = Provider(), uuid4()
    theirs = migrated("referral")  # any database with an outbox can stand for those of the other services
    others = Database(theirs, clock=Clock(), application_name="others")
    events = [
        making.registered(returnee),
        making.consent(returnee),
        making.need(returnee),
        making.organization(shelter.organization_id),
        making.service(shelter.service_id, shelter.organization_id),
        making.capacity(shelter.service_id, shelter.organization_id, pool_id=shelter.pool_id, maximum=4),
    ]
    async with others.transaction() as session:
        await outbox.append(session, events, traceparents=[TRACEPARENT] * len(events))
    loops = [
        Relay(theirs, kafka_bootstrap, source="urn:enlace:others", signer=ANYBODY),
        Relay(world.url, kafka_bootstrap, source="urn:enlace:referral", signer=SIGNERS["referral"]),
        Consumer(
            kafka_bootstrap,
            subscriptions(world.policy, group=f"referral-{uuid4()}"),
            transaction=world.database.transaction,
            keyring=KEYRING,
        ),
        world.router,
        world.clockwork,
    ]
    async with going(*loops):
        (offer,) = await until(lambda: world.rows("SELECT * FROM offer WHERE returnee_id = $1", returnee))
        answer = await world.step(f"offers/{offer['offer_id']}/accept")
        assert answer.json()["status"] == "accepted"
        headers = await told(kafka_bootstrap, returnee, {"referral.opened.v1", "offer.made.v1", "offer.accepted.v1"})
    await others.close()
    assert {one["ce_traceparent"].decode().split("-")[1] for one in headers.values()} == {TRACE_ID}
    assert offer["traceparent"].split("-")[1] == TRACE_ID
