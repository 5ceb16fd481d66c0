"""An offer refused as full, heard from real Kafka: what it does to the figures, and that the provider is asked once."""

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.events import outbox
from libs.events.catalogue.directory import CapacityRefreshRequested
from libs.events.catalogue.referral import OfferDeclined
from libs.events.consumer import Consumer
from libs.events.relay import Relay
from libs.events.subscriptions import Subscriptions
from libs.events.topics import TOPICS, ensure_topics
from services.provider_directory.app import SOURCE
from services.provider_directory.capacity.subscribers import doubt_figures
from tests.service.provider_directory.making import READER, pool_body
from tests.signing import KEYRING, SIGNERS

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACE = f"00-{TRACE_ID}-b7ad6b7169203331-01"


def _declined(organization_id, service_id, *, reason="full", at=None, offer_id=None):
    return OfferDeclined(
        returnee_id=uuid4(),
        case_code="GT-SMPL-0001",
        need_id=uuid4(),
        category="shelter",
        at=at or datetime.now(UTC),
        referral_id=uuid4(),
        offer_id=offer_id or uuid4(),
        organization_id=organization_id,
        provider_service_id=service_id,
        reason=reason,
    )


class Referral:
    """The other side: declines on the topic, and a reader of the notices."""

    def __init__(self, database, bootstrap, source):
        self.source = source
        self._database = database
        self._bootstrap = bootstrap

    async def publish(self, *declined):
        async with self._database.transaction() as session:
            await outbox.append(session, declined, traceparents=[TRACE] * len(declined))

    @asynccontextmanager
    async def notices(self):
        """A list that fills with (key, trace, event) of what is published while this is open."""
        topic = TOPICS[CapacityRefreshRequested.topic]
        reader = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False)
        await reader.start()
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        reader.assign(partitions)
        await reader.seek_to_end(*partitions)
        for partition in partitions:
            await reader.position(partition)
        seen = []

        async def read():
            async for record in reader:
                headers = {name: value.decode() for name, value in record.headers}
                event = CapacityRefreshRequested.model_validate_json(record.value)
                assert headers["ce_type"] == "capacity.refresh-requested.v1"
                seen.append((UUID(record.key.decode()), headers.get("traceparent"), event))

        reading = asyncio.create_task(read())
        try:
            yield seen
        finally:
            reading.cancel()
            await reader.stop()


async def _until(check, *, seconds=60):
    deadline = time.monotonic() + seconds
    while not await check():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.05)


@pytest.fixture
async def referral(directory, migrated, kafka_bootstrap):
    """The directory's consumer and relay on real Kafka, beside a stand-in for referral with an outbox of its own."""
    await ensure_topics(kafka_bootstrap)
    elsewhere = migrated("provider_directory")
    databases = [Database(url, clock=Clock(), application_name="test") for url in (directory.database_url, elsewhere)]
    # A group of its own: other tests on this broker run the same service.
    subscriptions = Subscriptions(group=f"provider_directory-{uuid4()}")
    subscriptions.on(OfferDeclined)(doubt_figures)
    source = f"urn:enlace:referral-{uuid4()}"
    loops = [
        Consumer(kafka_bootstrap, subscriptions, transaction=databases[0].transaction, keyring=KEYRING),
        Relay(directory.database_url, kafka_bootstrap, source=SOURCE, signer=SIGNERS["provider_directory"]),
        Relay(elsewhere, kafka_bootstrap, source=source, signer=SIGNERS["referral"]),
    ]
    stop = asyncio.Event()
    running = [asyncio.create_task(loop.run(stop)) for loop in loops]
    yield Referral(databases[1], kafka_bootstrap, source)
    stop.set()
    await asyncio.gather(*running)
    for database in databases:
        await database.close()


async def _listed(directory, *pools):
    organization_id = await directory.an_organization()
    service_id = await directory.a_service(organization_id)
    await directory.a_declaration(service_id, *pools)
    return organization_id, service_id


def _handled(directory, referral, count):
    async def check():
        # By source: others may publish on the same topic meanwhile.
        rows = await directory.fetch("SELECT count(*) AS n FROM inbox WHERE source = $1", referral.source)
        return rows[0]["n"] >= count

    return check


@pytest.mark.kafka
async def test_a_refusal_as_full_makes_the_network_ask_once_until_the_next_declaration(directory, referral):
    pool = pool_body(available=4)
    organization_id, service_id = await _listed(directory, pool)
    path = f"/v1/services/{service_id}/capacity"

    async def asked():
        return (await directory.get(path)).json()["refresh_requested_at"] is not None

    async with referral.notices() as notices:
        await referral.publish(*(_declined(organization_id, service_id) for _ in range(3)))
        await _until(asked)
        await referral.publish(_declined(organization_id, service_id))
        await _until(_handled(directory, referral, 4))
        doubted = (await directory.get(path)).json()
        assert doubted["trust"] == 0.8
        assert doubted["pools"][0]["available"] == 4, "what was declared stays the provider's word"
        assert await directory.search(accepts_now=True) == []

        again = await directory.a_declaration(service_id, pool | {"available": 1})
        assert (again["refresh_requested_at"], again["trust"]) == (None, round(5 / 6, 3))
        assert await directory.search(accepts_now=True) == ["Albergue temporal"]

        await referral.publish(_declined(organization_id, service_id))
        await _until(asked)

        async def noticed():
            return len([key for key, _, _ in notices if key == service_id]) >= 2

        await _until(noticed)
        mine = [(trace, event) for key, trace, event in notices if key == service_id]
    assert [trace[3:35] for trace, _ in mine] == [TRACE_ID, TRACE_ID], "the journey's trace goes on"
    assert {(event.organization_id, event.category) for _, event in mine} == {(organization_id, "shelter")}
    rows = await directory.fetch(
        "SELECT count(*) AS n FROM capacity_doubt WHERE traceparent LIKE $1", f"00-{TRACE_ID}-%"
    )
    assert rows[0]["n"] == 5


@pytest.mark.kafka
async def test_a_refusal_that_proves_nothing_changes_nothing(directory, referral):
    organization_id, claims = await _listed(directory, pool_body(available=4))
    _, claims_none = await _listed(directory, pool_body(available=0))
    silent = await directory.a_service(organization_id)
    earlier = datetime.now(UTC) - timedelta(hours=1)
    await referral.publish(
        _declined(organization_id, claims, reason="not_eligible"),
        _declined(organization_id, claims, at=earlier),
        _declined(organization_id, claims_none),
        _declined(organization_id, silent),
        _declined(organization_id, uuid4()),
    )
    await _until(_handled(directory, referral, 5))
    assert await directory.fetch("SELECT * FROM capacity_doubt") == []
    for service_id in (claims, claims_none):
        shown = (await directory.get(f"/v1/services/{service_id}/capacity", scopes=READER)).json()
        assert (shown["trust"], shown["refresh_requested_at"]) == (1.0, None)


@pytest.mark.kafka
async def test_refusals_of_many_services_in_one_batch_ask_each_of_them_once(directory, referral):
    listed = [await _listed(directory) for _ in range(4)]
    async with referral.notices() as notices:
        await referral.publish(*(_declined(*ids) for _ in range(5) for ids in listed))
        await _until(_handled(directory, referral, 20))

        async def noticed():
            return {service_id for _, service_id in listed} <= {key for key, _, _ in notices}

        await _until(noticed)
        keys = [key for key, _, _ in notices]
    assert [keys.count(service_id) for _, service_id in listed] == [1, 1, 1, 1]
