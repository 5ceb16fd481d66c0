"""Servers of the tests' own, to be killed, stopped and started again."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from aiokafka.protocol.admin import CreateAclsRequest

from deploy.local import kafka, postgres
from deploy.local.processes import Child, Family, free_port
from libs.events import kafka as kafka_client
from libs.events.tables import create_tables
from tests.events.bus import EFFECTS

TOPIC, GROUP = 2, 3
READ, WRITE, DESCRIBE, DESCRIBE_CONFIGS = 3, 4, 8, 10
LITERAL, ALLOW = 3, 3
"""Kafka's numbers for what its access rules are about."""


class BreakableKafka:
    """One Kafka node. Whoever breaks it mends it: the next test takes it as it is."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ports = {"port": free_port(), "controller_port": free_port()}
        self._family = Family()
        self._child: Child | None = None
        self.port = self._ports["port"]
        self.bootstrap = f"127.0.0.1:{self.port}"

    def changes(self) -> dict[str, str]:
        """Settings that differ from the usual ones."""
        return {}

    async def start(self) -> None:
        """Start it, or start it again, and wait until it answers."""
        log = self._directory / "kafka.log"
        node = await kafka.start(
            self._directory / "kafka", family=self._family, log=log, changes=self.changes(), **self._ports
        )
        self._child = node.child

    def kill(self) -> None:
        """End it by SIGKILL, as a power cut of this process."""
        assert self._child is not None
        os.killpg(self._child.pid, signal.SIGKILL)
        self._child.process.wait()
        self._family.forget(self._child)
        self._child = None

    def freeze(self) -> None:
        """Let it hang: connections stay, nothing is answered."""
        assert self._child is not None
        os.killpg(self._child.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on where it was."""
        assert self._child is not None
        os.killpg(self._child.pid, signal.SIGCONT)

    def close(self) -> None:
        """End it for good."""
        if self._child is not None:
            self.kill()
        self._family.close()


class GuardedKafka(BreakableKafka):
    """A Kafka with access control, and a second listener for clients with a name and a password.

    A topic or group without any rule is everyone's; one with rules is for those whom they name.
    """

    username, password = "enlace", "a-password-for-tests"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._sasl_port = free_port()
        self.guarded = f"127.0.0.1:{self._sasl_port}"

    def changes(self) -> dict[str, str]:
        """The authorizer and the second listener."""
        listeners = f"PLAINTEXT://{self.bootstrap},SASL_PLAINTEXT://{self.guarded}"
        login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        return {
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "true",
            "listeners": f"{listeners},CONTROLLER://127.0.0.1:{self._ports['controller_port']}",
            "advertised.listeners": listeners,
            "listener.security.protocol.map": (
                "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT"
            ),
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl_plaintext.plain.sasl.jaas.config": (f'{login} user_{self.username}="{self.password}";'),
        }

    async def allow(self, kind: int, name: str, *operations: int, principal: str = "User:ANONYMOUS") -> None:
        """Let `principal` do these things with a topic or group; what isn't allowed to anybody is refused then."""
        async with kafka_client.admin(self.bootstrap) as admin:
            for operation in operations:
                request = CreateAclsRequest(kind, name, LITERAL, principal, "*", operation, ALLOW)
                response = await admin._send_to_controller(request)
                assert [code for code, _ in response.creation_responses] == [0]


class BreakablePostgres:
    """One PostgreSQL. Whoever breaks it mends it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._family = Family()
        self._server: postgres.PostgresServer | None = None
        self._made = 0
        self.port = free_port()

    async def start(self) -> None:
        """Start it, or start it again, and wait until it answers."""
        state, log = self._directory / "postgres", self._directory / "postgres.log"
        self._server = await postgres.start(state, family=self._family, log=log, port=self.port)

    def crash(self) -> None:
        """End it as `pg_ctl stop -m immediate` does: nothing is written out, what comes next is recovery."""
        assert self._server is not None
        os.kill(self._server.child.pid, signal.SIGQUIT)
        self._server.child.process.wait(30)
        self._family.forget(self._server.child)
        self._server = None

    async def new_database(self) -> str:
        """The URL of a database with the event tables and a table of effects."""
        assert self._server is not None
        self._made += 1
        name = f"events_{self._made}"
        connection = await asyncpg.connect(self._server.url())
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        url = self._server.url(name)
        statements = [EFFECTS]

        class Recorder:
            def execute(self, sqltext: str) -> None:
                statements.append(sqltext)

        create_tables(Recorder())
        connection = await asyncpg.connect(url)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()
        return url

    def close(self) -> None:
        """End it for good."""
        if self._server is not None:
            self.crash()
        self._family.close()


def through(url: str, port: int) -> str:
    """The same database by way of another port, such as a proxy's."""
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{port}"))


async def gone(port: int) -> None:
    """Wait until nobody listens on a port any more."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return
        writer.close()
        await asyncio.sleep(0.05)
