"""Runs the whole system: PostgreSQL, Kafka, the token issuer, migrations, topics, the four services and the console.

A process that ends is restarted. When the supervisor ends for any reason, all its processes end too (`processes.py`).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from deploy.local import kafka, postgres, traces
from deploy.local.console import CONSOLE, console_command, console_environment
from deploy.local.installation import (
    OWNER_VARIABLES,
    ROOT,
    Installation,
    ServiceProcess,
    addresses,
    dotenv,
    issuer_command,
    kafka_of,
    outside_databases,
    outside_kafka,
    service_environment,
)
from deploy.local.issuer import admin_key
from deploy.local.keyring import write_private
from deploy.local.locks import hold
from deploy.local.processes import Child, Deadline, Family, StartError
from deploy.local.running import Part, Record, Start, wait_for_leftovers
from deploy.local.waiting import READY_SECONDS, all_or_none, until_ready
from libs.chassis.logins import owner_variable
from libs.chassis.trace_links import TRACE_URL_VARIABLE
from libs.events.topics import ensure_topics

LOOK_SECONDS = 0.1
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
PROVEN_SECONDS = 30.0
"""If a process has run this long, the pause before its restart is the shortest one again."""

Say = Callable[[str], None]


class System:
    """The running system. `environment` contains all addresses, `parts` the processes by name."""

    def __init__(self, installation: Installation, *, say: Say) -> None:
        self.installation = installation
        self.environment: dict[str, str] = {}
        self.databases: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        self.tracing: dict[str, str] = {}
        self.parts: dict[str, Part] = {}
        self._say = say
        self._family = Family()
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._record = Record(installation.state)

    async def start(self) -> None:
        """Start everything in order and wait until it is ready. If a part fails, raises StartError with its log."""
        state = self.installation.state
        await asyncio.to_thread(wait_for_leftovers, state)
        ports = self.installation.choose_ports()
        self.environment = addresses(
            ports, services=self.installation.services, kafka=outside_kafka() or f"127.0.0.1:{ports['kafka']}"
        )
        if shown := traces.trace_url(ports if self.installation.traces else None):
            self.environment[TRACE_URL_VARIABLE] = shown
        await all_or_none(
            self._start_traces(ports),
            self._start_databases(ports["postgres"]),
            self._start_kafka(ports["kafka"], ports["kafka-controller"]),
            self._start_issuer(ports["issuer"]),
        )
        self._tell("starting the four services")
        await all_or_none(
            *(self._start_service(service, ports[service.name]) for service in self.installation.services),
            self._start_console(ports[CONSOLE]),
        )
        await all_or_none(*(self._all_works(service.name) for service in self.installation.services))
        everything = self.environment | self.databases
        everything["ENLACE_ISSUER_KEY"] = admin_key(self.installation.keyring)
        everything["ENLACE_EVENT_KEYS_FILE"] = str(self.installation.public_event_keys)
        everything["ENLACE_PACK"] = str(self.installation.pack)
        everything["ENLACE_SPANS_DIRECTORY"] = str(state / "spans")
        write_private(self.installation.env_file, dotenv(everything | dict(self.installation.extra)))
        self._tell("ready", ready=True)

    async def stop(self) -> None:
        """Stop the services together, then the servers that they use. Returns when every process has ended."""
        for keeper in self._keepers.values():
            keeper.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)
        self.installation.env_file.unlink(missing_ok=True)
        names = {CONSOLE, *(service.name for service in self.installation.services)}
        self._family.stop(*(part.child for part in self.parts.values() if part.name in names))
        self._family.close()
        self._record.clear()

    async def halt_services(self) -> None:
        """Stop the four services, but not the servers that they use, so that a benchmark can use those servers."""
        names = [service.name for service in self.installation.services]
        for name in names:
            self._keepers[name].cancel()
        await asyncio.gather(*(self._keepers.pop(name) for name in names), return_exceptions=True)
        self._family.stop(*(self.parts.pop(name).child for name in names))
        self._write_record()

    async def resume_services(self) -> None:
        """Start the services that `halt_services` has stopped, at their addresses, and wait until they work."""
        services = self.installation.services
        ports = {one.name: urlsplit(self.environment[one.url_variable]).port or 0 for one in services}
        await all_or_none(*(self._start_service(one, ports[one.name]) for one in services))
        await all_or_none(*(self._all_works(one.name) for one in services))

    async def _start_databases(self, port: int) -> None:
        outside = outside_databases()
        if outside is not None:
            self.databases = {name: url for name, url in outside.items() if name not in OWNER_VARIABLES}
            self.owners = {name: url for name, url in outside.items() if name in OWNER_VARIABLES}
        else:
            self._tell("starting PostgreSQL")
            await self._keep("postgres", lambda: self._start_postgres(port))
            server = postgres.PostgresServer(
                port=port, keyring=self.installation.keyring, child=self.parts["postgres"].child
            )
            await postgres.create_service_databases(server)
            named = [pair for service in self.installation.services for pair in service.databases.items()]
            self.databases = {variable: server.service_url(database) for variable, database in named}
            self.owners = {owner_variable(variable): server.owner_url(database) for variable, database in named}
        self._tell("bringing the databases up to date")
        await self._migrate()

    async def _start_postgres(self, port: int) -> Child:
        state, log = self.installation.state, self.installation.log("postgres")
        return (await postgres.start(state / "postgres", family=self._family, log=log, port=port)).child

    async def _start_kafka(self, port: int, controller_port: int) -> None:
        if embedded := outside_kafka() is None:
            self._tell("starting Kafka")
            await self._keep("kafka", lambda: self._start_node(port, controller_port))
        self._tell("creating the topics")
        # -1 means the default of that cluster.
        await ensure_topics(kafka_of(self.environment), replication_factor=1 if embedded else -1)

    async def _start_node(self, port: int, controller_port: int) -> Child:
        node = await kafka.start(
            self.installation.state / "kafka",
            family=self._family,
            log=self.installation.log("kafka"),
            port=port,
            controller_port=controller_port,
            changes=self.installation.kafka_settings,
            progress=lambda done, needed: self._tell(f"fetching Kafka: {done} of {needed} files"),
            say=self._tell,
        )
        return node.child

    async def _start_traces(self, ports: Mapping[str, int]) -> None:
        if not self.installation.traces:
            return
        self._tell("starting Zipkin")
        self.tracing = traces.span_settings(ports)
        url = traces.address(ports[traces.ZIPKIN])
        await self._keep(
            traces.ZIPKIN, lambda: self._start_zipkin(ports[traces.ZIPKIN]), url=url, path=traces.ZIPKIN_HEALTH
        )
        command, url = traces.receiver_command(ports), traces.address(ports[traces.RECEIVER])
        await self._keep(
            traces.RECEIVER, lambda: self._start_server(traces.RECEIVER, command, url=url, env=None), url=url
        )

    async def _start_zipkin(self, port: int) -> Child:
        state, log = self.installation.state, self.installation.log(traces.ZIPKIN)
        return await traces.start_zipkin(state / traces.ZIPKIN, family=self._family, log=log, port=port)

    async def _start_issuer(self, port: int) -> None:
        url = self.environment["ENLACE_TOKEN_ISSUER"]
        command = issuer_command(self.installation, self.environment, port=port)
        await self._keep("issuer", lambda: self._start_server("issuer", command, url=url, env=None), url=url)

    async def _start_service(self, service: ServiceProcess, port: int) -> None:
        url = self.environment[service.url_variable]
        command = [sys.executable, "-m", service.module, "serve", "--host", "127.0.0.1", "--port", str(port)]
        env = self._environment_of(service)
        await self._keep(service.name, lambda: self._start_server(service.name, command, url=url, env=env), url=url)

    async def _start_console(self, port: int) -> None:
        if not self.installation.console:
            return
        url = self.environment["ENLACE_CONSOLE_URL"]
        env = console_environment(self.installation, self.environment | self.tracing)
        await self._keep(CONSOLE, lambda: self._start_server(CONSOLE, console_command(port), url=url, env=env), url=url)

    async def _all_works(self, name: str) -> None:
        """Wait for the background work too. A restarted process does not wait, because Kafka may be unavailable."""
        part = self.parts[name]
        await until_ready(part.child, f"{part.url}/workz")

    async def _start_server(self, name: str, command: list[str], *, url: str, env: Mapping[str, str] | None) -> Child:
        child = self._family.start(name, command, log=self.installation.log(name), cwd=ROOT, env=env)
        with self._family.stopping_on_failure(child):
            await until_ready(child, f"{url}/readyz")
        return child

    async def _migrate(self) -> None:
        modules = [service.module for service in self.installation.services]
        child = self._family.start(
            "migrations",
            [sys.executable, "-m", "deploy.local.migrations", *modules],
            log=self.installation.log("migrations"),
            cwd=ROOT,
            env={**os.environ, **self.databases, **self.owners},
        )
        deadline = Deadline(READY_SECONDS, what="bringing the databases up to date")
        with self._family.stopping_on_failure(child):
            while child.running():
                await deadline.pause()
            if child.process.returncode != 0:
                child.check()
        self._family.forget(child)

    def _environment_of(self, service: ServiceProcess) -> dict[str, str]:
        common = self.environment | self.tracing
        return service_environment(self.installation, service, common=common, databases=self.databases)

    async def _keep(self, name: str, start: Start, *, url: str | None = None, path: str = "/readyz") -> None:
        child = await start()
        part = Part(name=name, start=start, child=child, started_at=time.monotonic(), url=url, ready_path=path)
        self.parts[name] = part
        self._keepers[name] = asyncio.create_task(self._restart_for_ever(part))
        self._write_record()

    async def _restart_for_ever(self, part: Part) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            while part.child.running():  # noqa: ASYNC110 - the end of a process sets no event
                await asyncio.sleep(LOOK_SECONDS)
            self._family.forget(part.child)
            if time.monotonic() - part.started_at > PROVEN_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            part.restarts += 1
            self._say(f"{part.name} ended with {part.child.process.returncode}; starting it again")
            self._write_record()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            try:
                part.child = await part.start()
            except (StartError, OSError) as error:
                self._say(f"{part.name} did not start again: {error}")
            part.started_at = time.monotonic()
            self._write_record()

    def _tell(self, step: str, *, ready: bool = False) -> None:
        self._say(step)
        self._record.step, self._record.ready = step, ready
        self._write_record()

    def _write_record(self) -> None:
        self._record.write([part.as_it_runs() for part in self.parts.values()])


@asynccontextmanager
async def running_system(installation: Installation, *, say: Say = print) -> AsyncIterator[System]:
    """Runs the whole system while the block runs; `say` is called for each step and each restart.

    Raises AlreadyRunningError if it already runs in this state directory, and StartError if a part does not start.
    """
    with hold(installation.lock):
        system = System(installation, say=say)
        try:
            await system.start()
            yield system
        finally:
            await system.stop()


def forget_everything(installation: Installation) -> None:
    """Delete the data and logs of an installation that does not run. Raises AlreadyRunningError if it runs."""
    with hold(installation.lock):
        wait_for_leftovers(installation.state)
        for name in ("postgres", "kafka", "logs", "spans"):
            shutil.rmtree(installation.state / name, ignore_errors=True)
