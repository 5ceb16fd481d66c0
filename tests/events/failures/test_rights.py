"""Every right that the catalogue grants works, and everything else is refused: a real broker, SCRAM over TLS, ACLs.

Seen to fail with one right more on the broker, or one less, than the catalogue's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from aiokafka.structs import TopicPartition

from libs.events import kafka
from libs.events.acls import Operation, Resource, Right, apply, rights
from libs.events.cluster import Cluster, SaslMechanism, SecurityProtocol
from libs.events.topics import TOPICS, check_topics, ensure_topics
from tests.events.failures.secured import SecuredKafka

pytestmark = [pytest.mark.kafka]
GRANTED = rights(reception=["tecun-uman"])
USERS = [*sorted({right.user for right in GRANTED}), "stranger"]
"""One of them may do nothing."""
GROUPS = sorted({right.name for right in GRANTED if right.resource is Resource.GROUP})


@pytest.fixture(scope="session")
def secured_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """With every topic, every user, and the catalogue's rights."""
    server = SecuredKafka(tmp_path_factory.mktemp("secured-kafka"))

    async def prepare() -> None:
        await server.start()
        await ensure_topics(server.cluster("admin"), replication_factor=1)
        await server.add_users(USERS)
        await apply(server.cluster("admin"), GRANTED)

    try:
        asyncio.run(prepare())
        yield server
    finally:
        server.close()


def may(user: str, resource: Resource, name: str, operation: Operation) -> bool:
    return Right(user, resource, name, operation) in GRANTED


@asynccontextmanager
async def client(made: Any, **options: Any) -> AsyncIterator[Any]:
    one = made(**options)
    try:
        await one.start()
        yield one
    finally:
        await one.stop()


async def those(names: Iterable[str], succeeds: Callable[[str], Awaitable[bool]]) -> set[str]:
    """The names with which it succeeds; all are tried at the same time."""
    tried = list(names)
    return {name for name, done in zip(tried, await asyncio.gather(*map(succeeds, tried)), strict=True) if done}


def patience(expected: bool) -> float:
    """Seconds: what is granted comes, however busy the machine; what isn't is looked for in the log besides."""
    return 30 if expected else 2


async def try_to_write(producer: Any, user: str, topic: str) -> bool:
    """Whether a record was acknowledged."""
    try:
        async with asyncio.timeout(patience(may(user, Resource.TOPIC, topic, Operation.WRITE))):
            await producer.send_and_wait(topic, f"by {user}".encode(), key=b"k", partition=0)
    except (TopicAuthorizationFailedError, TimeoutError):
        return False
    return True


async def try_to_read(options: dict[str, Any], user: str, topic: str) -> bool:
    """Whether records were handed out."""
    name = TopicPartition(topic, 0)
    async with client(AIOKafkaConsumer, **options, enable_auto_commit=False) as consumer:
        consumer.assign([name])
        consumer.seek(name, 0)
        try:
            async with asyncio.timeout(patience(may(user, Resource.TOPIC, topic, Operation.READ))):
                while not (found := await consumer.getmany(timeout_ms=500)):
                    pass
        except (TopicAuthorizationFailedError, TimeoutError):
            return False
        return bool(found)


async def try_to_join(cluster: Cluster, group: str, topic: str) -> bool:
    """Whether the group took it as a member."""
    member = AIOKafkaConsumer(topic, group_id=group, enable_auto_commit=False, **cluster.options())
    try:
        async with asyncio.timeout(15):
            await member.start()
            await member.getmany(timeout_ms=200)
            return bool(member.assignment())
    except (GroupAuthorizationFailedError, TopicAuthorizationFailedError):
        return False
    finally:
        await member.stop()


@pytest.mark.parametrize("user", USERS)
async def test_a_user_writes_reads_and_joins_what_the_catalogue_grants_and_nothing_else(
    secured_kafka: SecuredKafka, user: str
) -> None:
    async with client(AIOKafkaProducer, **secured_kafka.cluster("admin").options()) as admin:
        for topic in TOPICS:
            await admin.send_and_wait(topic, b"there is something to read", key=b"k", partition=0)
    options = secured_kafka.cluster(user).options()
    # All at once: a refusal is known by waiting.
    async with client(AIOKafkaProducer, **options, request_timeout_ms=5_000) as producer:
        written = await those(TOPICS, lambda topic: try_to_write(producer, user, topic))
    assert written == {topic for topic in TOPICS if may(user, Resource.TOPIC, topic, Operation.WRITE)}
    read = await those(TOPICS, lambda topic: try_to_read(options, user, topic))
    assert read == {topic for topic in TOPICS if may(user, Resource.TOPIC, topic, Operation.READ)}
    async with client(AIOKafkaConsumer, **secured_kafka.cluster("admin").options()) as consumer:
        for topic in set(TOPICS) - written:
            await consumer_has_nothing_of(consumer, user, topic)


async def consumer_has_nothing_of(consumer: Any, user: str, topic: str) -> None:
    name = TopicPartition(topic, 0)
    consumer.assign([name])
    consumer.seek(name, 0)
    (end,) = (await consumer.end_offsets([name])).values()
    while await consumer.position(name) < end:
        for records in (await consumer.getmany(timeout_ms=500)).values():
            assert f"by {user}".encode() not in {record.value for record in records}


@pytest.mark.parametrize("user", USERS)
async def test_a_user_joins_its_own_group_and_no_other(secured_kafka: SecuredKafka, user: str) -> None:
    heard = next((topic.name for topic in TOPICS.values() if user in topic.readers), "enlace.referral")
    joined = await those(GROUPS, lambda group: try_to_join(secured_kafka.cluster(user), group, heard))
    assert joined == {group for group in GROUPS if may(user, Resource.GROUP, group, Operation.READ)}


async def test_nobody_gets_in_without_a_login_with_a_wrong_one_or_in_clear(secured_kafka: SecuredKafka) -> None:
    servers, ca = secured_kafka.bootstrap, secured_kafka.ca_file
    scram, plain = SaslMechanism.SCRAM_SHA_512, SaslMechanism.PLAIN
    for cluster in (
        Cluster(servers),
        Cluster(servers, SecurityProtocol.SSL, ca_file=ca),
        Cluster(servers, SecurityProtocol.SASL_PLAINTEXT, scram, "referral", "any"),
        secured_kafka.cluster("referral", "wrong"),
        secured_kafka.cluster("admin", "wrong"),
        secured_kafka.cluster("nobody-of-that-name"),
        Cluster(servers, SecurityProtocol.SASL_SSL, plain, "referral", "any", ca),
        # A broker that the system's authorities don't vouch for is not spoken to.
        Cluster(servers, SecurityProtocol.SASL_SSL, scram, "referral", "any"),
    ):
        with pytest.raises((KafkaError, TimeoutError, OSError)):
            async with asyncio.timeout(10), kafka.admin(cluster) as admin:
                await admin.list_topics()


async def test_services_find_their_topics_as_they_must_be(secured_kafka: SecuredKafka) -> None:
    """What a consumer checks before it starts needs rights too."""
    for service in ("registration", "provider_directory", "referral", "notifications"):
        heard = [topic for topic in TOPICS.values() if service in topic.readers]
        assert await check_topics(secured_kafka.cluster(service), heard) == []
    assert await check_topics(secured_kafka.cluster("operator")) == []
    await ensure_topics(secured_kafka.cluster("operator"), replication_factor=1)
