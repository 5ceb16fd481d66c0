"""PostgreSQL and Apache Kafka in containers, for `ENLACE_TEST_INFRA=testcontainers`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer

from deploy.local.kafka_node import wait_for_metadata
from deploy.local.processes import free_port

POSTGRES_IMAGE = os.environ.get("POSTGRES_IMAGE", "postgres:18")
KAFKA_IMAGE = os.environ.get("KAFKA_IMAGE", "apache/kafka:4.3.0")


class ApacheKafkaContainer(DockerContainer):
    """One KRaft node from the image of Apache; the library's own KafkaContainer runs Confluent's scripts instead."""

    def __init__(self, image: str = KAFKA_IMAGE) -> None:
        super().__init__(image)
        port = free_port()
        self.bootstrap_servers = f"127.0.0.1:{port}"
        self.with_bind_ports(9092, port)
        for name, value in {
            "NODE_ID": "1",
            "PROCESS_ROLES": "broker,controller",
            "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            "LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
            "ADVERTISED_LISTENERS": f"PLAINTEXT://{self.bootstrap_servers}",
            "LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
            "AUTO_CREATE_TOPICS_ENABLE": "false",
        }.items():
            self.with_env(f"KAFKA_{name}", value)


@contextmanager
def postgres_container() -> Iterator[str]:
    """A PostgreSQL; its superuser's URL."""
    with PostgresContainer(POSTGRES_IMAGE, driver=None) as container:
        yield container.get_connection_url()


@contextmanager
def kafka_container() -> Iterator[str]:
    """A Kafka node that answers; its bootstrap servers."""
    with ApacheKafkaContainer() as container:
        asyncio.run(wait_for_metadata(container.bootstrap_servers))
        yield container.bootstrap_servers
