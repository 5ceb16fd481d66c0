"""Every client of ours reaches a cluster that asks for a name and a password; settings that don't fit are told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiokafka.client
import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import TopicPartition
from pydantic import ValidationError

from libs.chassis.settings import CommonSettings
from libs.events.cluster import Cluster, ClusterError, SaslMechanism, SecurityProtocol
from libs.events.lag import lag_of
from libs.events.operating.logs import reading
from libs.events.topics import check_topics
from tests.events.bus import Bus, running, until
from tests.events.conftest import Databases
from tests.events.failures.observing import bus_on, drained, effects
from tests.events.failures.servers import DESCRIBE, DESCRIBE_CONFIGS, READ, TOPIC, WRITE, GuardedKafka

NAME = f"User:{GuardedKafka.username}"
ENVIRONMENT = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1/none",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
    "ENLACE_TOKEN_ISSUER": "http://issuer",
    "ENLACE_TOKEN_AUDIENCE": "enlace-tests",
    "ENLACE_TOKEN_JWKS_URL": "https://issuer/jwks",
    "ENLACE_FINGERPRINT_KEY": "a-fingerprint-key-for-tests",
}


@pytest.fixture
async def bus(event_databases: Databases, guarded_kafka: GuardedKafka) -> AsyncIterator[Bus]:
    dsn = event_databases.take()
    async with bus_on(dsn, guarded_kafka.bootstrap, partitions=2) as made:
        yield made
    await event_databases.give_back(dsn)


async def test_relay_consumer_and_operators_tools_log_in_with_what_the_environment_says(
    bus: Bus, guarded_kafka: GuardedKafka, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The topic is this name's alone. With the name left out of one client's options that client is refused."""
    await guarded_kafka.allow(TOPIC, bus.topic.name, READ, WRITE, DESCRIBE, DESCRIBE_CONFIGS, principal=NAME)
    (tmp_path / "password").write_text(f"{guarded_kafka.password}\n")
    (tmp_path / "password").chmod(0o400)
    environment = ENVIRONMENT | {
        "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA_PLAINTEXT_ALLOWED": "loopback",
        "KAFKA_SASL_USERNAME": guarded_kafka.username,
        "KAFKA_SASL_PASSWORD_FILE": str(tmp_path / "password"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    cluster = Cluster.named(guarded_kafka.guarded, **CommonSettings().kafka_access())  # type: ignore[call-arg]
    assert cluster == Cluster.from_environment(guarded_kafka.guarded, environment)
    assert guarded_kafka.password not in repr(cluster)
    assert "DESCRIBE is missing" in (await check_topics(guarded_kafka.bootstrap, [bus.topic]))[0]
    assert await check_topics(cluster, [bus.topic]) == []
    bus.bootstrap = cluster  # type: ignore[assignment]
    await bus.append(*(bus.counted(name=f"k{number}", number=number) for number in range(10)))
    async with running(bus.relay(), bus.consumer()):
        await until(drained(bus))
        await until(effects(bus, 10))
    connection = await asyncpg.connect(bus.dsn)
    try:
        assert [one.records for one in await lag_of(connection, cluster)] == [0, 0]
    finally:
        await connection.close()
    async with reading(cluster) as logs:
        assert await logs.record_at(TopicPartition(bus.topic.name, 0), 0) is not None


async def test_a_wrong_password_is_told_and_holds_up_nothing_but_kafka(bus: Bus, guarded_kafka: GuardedKafka) -> None:
    wrong = Cluster(guarded_kafka.guarded, SecurityProtocol.SASL_PLAINTEXT, username="enlace", password="wrong")
    bus.bootstrap = wrong  # type: ignore[assignment]
    relay, consumer = bus.relay(), bus.consumer()
    async with running(relay, consumer):
        await bus.append(bus.counted(name="a", number=1))

        async def told() -> bool:
            why = (str(relay.why_unready()), str(consumer.why_unready()))
            return all("does not accept this service's name and password" in one for one in why)

        await until(told)
    assert not await drained(bus)()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"protocol": "SASL_SSL"}, "SASL_SSL needs a user name and a password"),
        ({"username": "a", "password": "b"}, "cannot be used with PLAINTEXT"),
        ({"ca_file": "/nowhere.pem"}, "cannot be used with PLAINTEXT"),
        ({"protocol": "TLS"}, "TLS is none of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
        ({"mechanism": "GSSAPI"}, "GSSAPI is none of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(ClusterError, match=words):
        Cluster.named("127.0.0.1:9", **({"plaintext": "loopback"} | given))


@pytest.mark.parametrize("protocol", [None, "PLAINTEXT", "SASL_PLAINTEXT"])
@pytest.mark.parametrize(
    ("servers", "plaintext"),
    [
        ("127.0.0.1:9092", None),
        ("kafka.example.org:9092", "loopback"),
        ("127.0.0.1:9092,10.0.0.7:9092", "loopback"),
        ("kafka:9092", "loopback"),
        ("127.0.0.1.example.org:9092", "loopback"),
        ("[2001:db8::1]:9092", "loopback"),
        ("0.0.0.0:9092", "loopback"),
    ],
)
def test_in_clear_nothing_is_said_without_a_setting_and_to_another_machine_never(
    servers: str, plaintext: str | None, protocol: str | None
) -> None:
    """Seen to fail without the check of hosts, and without that of the setting."""
    name = {"username": "a", "password": "b"} if protocol == "SASL_PLAINTEXT" else {}
    with pytest.raises(ClusterError, match="is not encrypted"):
        Cluster.named(servers, protocol=protocol, plaintext=plaintext, **name)
    if plaintext:
        environment = {"KAFKA_PLAINTEXT_ALLOWED": plaintext}
        with pytest.raises(ClusterError, match="is not encrypted"):
            Cluster.from_environment(servers, environment)
        if plaintext == "loopback":
            with pytest.raises(ClusterError, match="is not encrypted"):
                Cluster.of(servers)


@pytest.mark.parametrize("servers", ["127.0.0.1:9", "localhost:9,[::1]:9", "127.1.2.3:9"])
def test_ones_own_machine_is_spoken_to_in_clear_where_a_setting_says_so(servers: str) -> None:
    assert Cluster.named(servers, plaintext="loopback").options()["security_protocol"] == "PLAINTEXT"


async def test_a_broker_elsewhere_that_the_cluster_names_is_not_spoken_to_in_clear() -> None:
    for protocol in ("PLAINTEXT", "SASL_PLAINTEXT"):
        with pytest.raises(KafkaConnectionError, match="must be encrypted"):
            await aiokafka.client.create_conn("broker.example.org", 9092, security_protocol=protocol)


def test_an_encrypted_cluster_checks_the_brokers_certificates() -> None:
    options = Cluster("a:9", SecurityProtocol.SASL_SSL, SaslMechanism.SCRAM_SHA_512, "enlace", "secret").options()
    assert (options["security_protocol"], options["sasl_mechanism"]) == ("SASL_SSL", "SCRAM-SHA-512")
    assert options["ssl_context"].check_hostname
    assert options["ssl_context"].verify_mode.name == "CERT_REQUIRED"


def test_a_service_that_is_to_name_itself_and_has_no_name_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (ENVIRONMENT | {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match="requires KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"):
        CommonSettings()  # type: ignore[call-arg]
