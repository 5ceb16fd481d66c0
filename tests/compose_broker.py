"""The broker of docker-compose.yml without a container: its settings and secrets, on Kafka's jars and 127.0.0.1."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.docker import make_secrets
from deploy.docker.kafka_access import give_access
from deploy.local import kafka
from deploy.local.installation import ROOT
from deploy.local.processes import Family, free_port
from libs.events.cluster import Cluster, SaslMechanism, SecurityProtocol
from libs.events.topics import ensure_topics
from libs.events.users import set_passwords

NO_PROPERTIES = ("KAFKA_HEAP_OPTS",)
OF_THE_CONTAINER = ("log.dirs", "controller.quorum.voters", "node.id", "process.roles")
"""Settings that are where a container is, and not what its broker does."""


def properties(environment: dict[str, str]) -> dict[str, str]:
    """What the image of Kafka makes of its environment."""
    made = {}
    for name, value in environment.items():
        if name.startswith("KAFKA_") and name not in NO_PROPERTIES:
            key = name.removeprefix("KAFKA_").lower()
            key = key.replace("___", "-").replace("__", "%").replace("_", ".").replace("%", "_")
            made[key] = value
    return made


@dataclass
class ComposeBroker:
    """Where it is, and what each container is told of it."""

    bootstrap: str
    files: dict[str, dict[str, str]]
    ca_file: Path

    def cluster(self, user: str, password: str | None = None) -> Cluster:
        """The cluster as a user reaches it, with the password that make_secrets.py has made unless another is given."""
        known = self.files["kafka-access"]
        is_admin = user == "admin"
        variable = "KAFKA_SASL_PASSWORD" if is_admin else make_secrets._password_of(user)
        return Cluster(
            self.bootstrap,
            SecurityProtocol.SASL_SSL,
            SaslMechanism.PLAIN if is_admin else SaslMechanism.SCRAM_SHA_512,
            user,
            password or known[variable],
            self.ca_file,
        )

    async def add_user(self, user: str, password: str) -> Cluster:
        """One more user, who has no right at all."""
        await set_passwords(self.cluster("admin"), {user: password})
        return self.cluster(user, password)

    def client(self, user: str) -> dict[str, str]:
        """The variables with which a process is this user."""
        told: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["x-kafka-client"]
        return {
            **told,
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "KAFKA_SSL_CAFILE": str(self.ca_file),
            "KAFKA_SASL_USERNAME": user,
            "KAFKA_SASL_PASSWORD": self.cluster(user).password or "",
        }


async def start_compose_broker(directory: Path, family: Family) -> ComposeBroker:
    """Start it, with every topic, user and right, as the jobs of the compose file make them."""
    paths = make_secrets.write(directory / "docker")
    files = {path.stem: make_secrets._read(path) for path in paths if path.suffix == ".env"}
    written = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["kafka"]["environment"]
    told = properties({**written, **files["kafka"]})
    port, controller = free_port(), free_port()
    broker = ComposeBroker(f"127.0.0.1:{port}", files, directory / "docker" / "shared" / make_secrets.AUTHORITY)
    changes = {name: value for name, value in told.items() if name not in OF_THE_CONTAINER} | {
        "listeners": f"CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"CLIENTS://127.0.0.1:{port}",
    }
    await kafka.start(
        directory / "kafka", family=family, log=directory / "kafka.log", port=port, controller_port=controller,
        changes=changes, client=broker.cluster("admin").options(),
    )  # fmt: skip
    await ensure_topics(broker.cluster("admin"), replication_factor=1)
    await give_access(broker.cluster("admin"), files["kafka-access"])
    return broker
