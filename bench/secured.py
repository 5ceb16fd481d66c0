"""Measures the cost of signatures and encryption: the same load of the event bus, on the same servers, in three ways.

- `clear`: no signatures, and no encryption of the connections to Kafka.
- `signed`: the relay signs each event, and the consumer checks the signature.
- `encrypted`: as `signed`, and Kafka is reached over TLS with SCRAM-SHA-512, as between several machines.

The ways take turns. The results are ratios of medians to those of `clear`: of CPU time (both servers and this process)
and of wall time. The connections to PostgreSQL are not encrypted in any of the three, because the PostgreSQL that is
installed from packages is built without TLS.
"""

import statistics
import tempfile
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.buses import new_database, numbered
from bench.busload import Way, load
from deploy.docker.certificates import in_lines, make_identity
from deploy.local import kafka
from deploy.local.infra import Servers, start_postgres
from deploy.local.processes import Family, free_port
from libs.events.cluster import Cluster, SaslMechanism, SecurityProtocol
from libs.events.signing import Keyring, Signer
from libs.events.topics import Topic, ensure_topics
from libs.events.trusted_keys import TrustedKey
from libs.events.users import set_passwords

HOST: Final = "127.0.0.1"
WRITER: Final = "bench"
PASSWORD: Final = uuid4().hex
SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


async def measure(*, events: int = 20_000, rounds: int = 5) -> dict[str, Any]:
    """Run `events` events in each of the three ways, `rounds` times after a warm-up; prints one line."""
    family = Family()
    try:
        with tempfile.TemporaryDirectory(prefix="enlace-bench-secured-") as folder:
            running, secure = await _servers(Path(folder), family)
            ways = await _ways(running, secure)
            cpu: dict[str, list[float]] = {name: [] for name in ways}
            wall: dict[str, list[float]] = {name: [] for name in ways}
            for number in range(rounds + 1):
                for name in sorted(ways, reverse=bool(number % 2)):
                    cpu_s, wall_s = await load(running, ways[name], events)
                    if number:
                        cpu[name].append(1e6 * cpu_s / events)
                        wall[name].append(1e6 * wall_s / events)
    finally:
        family.close()
    cpu_us = {name: statistics.median(found) for name, found in cpu.items()}
    wall_us = {name: statistics.median(found) for name, found in wall.items()}
    told = ", ".join(
        f"{name} {cpu_us[name]:.0f} us of CPU ({cpu_us[name] / cpu_us['clear']:.2f}) and {wall_us[name]:.0f} us"
        f" ({wall_us[name] / wall_us['clear']:.2f})"
        for name in ways
    )
    print(f"secured: the cost of an event, and in brackets the ratio to `clear`: {told}")
    return {
        f"{kind}ratio_{name}": round(found[name] / found["clear"], 2)
        for kind, found in (("", cpu_us), ("wall_", wall_us))
        for name in ways
        if name != "clear"
    }


async def _servers(folder: Path, family: Family) -> tuple[Servers, Cluster]:
    """Starts both servers; returns them, and the settings for reaching the same Kafka node over TLS.

    The node accepts both kinds of connection.
    """
    identity = make_identity([HOST])
    authority, broker = folder / "authority.pem", folder / "broker.pem"
    authority.write_text(in_lines(identity.authority))
    broker.write_text(in_lines(identity.key) + in_lines(identity.certificate))
    postgres = await start_postgres(folder, family=family)
    port, secure_port, controller_port = free_port(), free_port(), free_port()
    listeners = f"PLAINTEXT://{HOST}:{port},SASL_SSL://{HOST}:{secure_port}"
    node = await kafka.start(
        folder / "kafka",
        family=family,
        log=folder / "kafka.log",
        port=port,
        controller_port=controller_port,
        changes={
            "listeners": f"{listeners},CONTROLLER://{HOST}:{controller_port}",
            "advertised.listeners": listeners,
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": SCRAM,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(broker),
        },
    )
    await set_passwords(node.bootstrap_servers, {WRITER: PASSWORD})
    secure = Cluster(
        f"{HOST}:{secure_port}", SecurityProtocol.SASL_SSL, SaslMechanism.SCRAM_SHA_512, WRITER, PASSWORD, authority
    )
    return Servers(postgres, node), secure


async def _ways(running: Servers, secure: Cluster) -> dict[str, Way]:
    clear = running.kafka.bootstrap_servers
    signer = Signer(Ed25519PrivateKey.generate(), {WRITER})
    keyring = Keyring({signer.key_id: TrustedKey(signer.public_key, signer.services)})
    ways = {}
    for name, cluster, writer in (("clear", clear, None), ("signed", clear, WRITER), ("encrypted", secure, WRITER)):
        topic = Topic(f"bench-{uuid4().hex}", writer=writer)
        await ensure_topics(clear, [topic])
        signs = (signer, keyring) if writer else (None, None)
        ways[name] = Way(await new_database(running), cluster, topic, numbered(topic), *signs)
    return ways
