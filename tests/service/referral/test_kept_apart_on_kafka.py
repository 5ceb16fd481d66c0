"""Two people who must be kept apart, on a real Kafka: the pair comes on a topic of its own and holds for routing."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.events import outbox
from libs.events.consumer import Consumer
from libs.events.event import Event
from libs.events.relay import Relay
from libs.events.topics import ensure_topics
from services.referral.app import subscriptions
from tests.service.referral import making
from tests.service.referral.separating import at, pair
from tests.service.referral.test_on_kafka import going, until
from tests.service.referral.world import World
from tests.signing import ANYBODY, KEYRING

pytestmark = [pytest.mark.kafka]


async def test_a_pair_from_registration_keeps_two_people_apart(world: World, kafka_bootstrap: str, migrated: Any):
    await ensure_topics(kafka_bootstrap)
    shelter = await world.provider()
    one, other = uuid4(), uuid4()
    theirs = migrated("referral")  # any database with an outbox can stand for that of registration
    registration = Database(theirs, clock=Clock(), application_name="registration")

    async def publish(*events: Event) -> None:
        async with registration.transaction() as session:
            await outbox.append(session, events)

    loops = [
        Relay(theirs, kafka_bootstrap, source="urn:enlace:registration", signer=ANYBODY),
        Consumer(
            kafka_bootstrap,
            subscriptions(world.policy, group=f"referral-{uuid4()}"),
            transaction=world.database.transaction,
            keyring=KEYRING,
        ),
        world.router,
    ]
    async with going(*loops):
        await publish(pair(one, other))
        await until(lambda: world.rows("SELECT FROM kept_apart"))
        for person in (one, other):
            await publish(making.registered(person), making.consent(person), making.need(person))
        await until(lambda: world.rows("SELECT FROM need WHERE owner_reason = 'no_candidate'"))
        assert sorted(await at(world, one, other), key=str) == sorted([shelter.service_id, None], key=str)
    await registration.close()
