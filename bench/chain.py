"""Measures the whole chain of Enlace, from the first arrival event to the last offer event and delivery row."""

import re
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from bench.arrivals import FLIGHT_SIZE, NEEDS, Message, arrivals, landings, send_all
from bench.measuring import cpu_seconds, seconds_between, spent, until, value, without_kafka
from deploy.demo.client import Caller, Connections
from deploy.demo.loading import capacity_body, in_turns, load_directory
from deploy.local.installation import DEFAULT_PACK, Installation
from deploy.local.supervisor import System, running_system
from deploy.packs.directory import Directory, Service
from deploy.packs.directory import load_directory as read_directory
from libs.chassis.http_settings import UNLIMITED
from libs.chassis.walls import WORKS_FOR

PLACES = 1_000_000
"""The number of places that every pool declares, so that no referral has to wait in a queue."""
PATIENCE_SECONDS = 600.0
BROKER_TIME = {"log.message.timestamp.type": "LogAppendTime"}
"""The time of a record is then the moment when Kafka stored it. So latencies do not depend on when a relay writes down
that Kafka has acknowledged a record."""


@dataclass(frozen=True)
class Result:
    """The result of one run."""

    returnees: int
    seconds: float
    cpu_seconds: dict[str, float]

    @property
    def returnees_per_s(self) -> float:
        """Arrivals whose three offers and webhook rows were committed, per second."""
        return self.returnees / self.seconds

    @property
    def cpu_ms(self) -> float:
        """The CPU time of each returnee, without Kafka's."""
        return 1000 * without_kafka(self.cpu_seconds) / self.returnees

    @property
    def cpu_ms_by_process(self) -> dict[str, float]:
        """The CPU time of each returnee by process, with Kafka's."""
        return {name: 1000 * used / self.returnees for name, used in self.cpu_seconds.items()}


@dataclass(frozen=True)
class Running:
    """A running Enlace whose services have more places than any run needs, with one endpoint per organisation."""

    system: System
    directory: Directory
    installation: Installation

    @property
    def pids(self) -> dict[str, int]:
        """The processes whose CPU time counts: all except the token issuer."""
        return {name: part.child.pid for name, part in self.system.parts.items() if name != "issuer"}

    @property
    def server_pids(self) -> dict[str, int]:
        """PostgreSQL and Kafka, which a reference uses too."""
        return {name: pid for name, pid in self.pids.items() if name in {"postgres", "kafka"}}

    def url(self, database: str) -> str:
        """The URL of one service's database."""
        return self.system.databases[f"ENLACE_{database}_DATABASE_URL"]

    def owner_url(self, database: str) -> str:
        """The URL of the same database with the login that owns its tables."""
        return self.system.owners[f"ENLACE_{database}_OWNER_DATABASE_URL"]

    @property
    def side(self) -> "Side":
        """Enlace as a side of a comparison. Services that are started later are not counted in its CPU time."""
        return Side(self, self.pids)


@dataclass(frozen=True)
class Side:
    """What runs on the servers of an installation: Enlace's services, the floor or the usual stack."""

    running: Running
    pids: Mapping[str, int]
    lands: bool = True
    """Whether landings of flights are sent before the people. The references do not handle them."""

    @property
    def bootstrap(self) -> str:
        """The address of Kafka."""
        return self.running.system.environment["KAFKA_BOOTSTRAP_SERVERS"]

    def url(self, database: str) -> str:
        """The URL of one service's database."""
        return self.running.url(database)


@asynccontextmanager
async def enlace(folder: Path) -> AsyncIterator[Running]:
    """Starts the whole system with its state in `folder`, and loads the directory of the country pack."""
    pack = always_open_pack(folder)
    installation = Installation(
        state=folder / "enlace",
        pack=pack,
        extra={
            "ENLACE_WEBHOOK_ALLOW_PRIVATE": "true",
            "ENLACE_WEBHOOK_CONCURRENCY": "1",
            **UNLIMITED,
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0.01",
        },
        kafka_settings=BROKER_TIME,
    )
    async with running_system(installation, say=lambda _: None) as system:
        directory = read_directory(pack)
        await _load(system, installation, directory)
        yield Running(system, directory, installation)


def always_open_pack(folder: Path) -> Path:
    """A copy of Guatemala's pack without opening hours and without pacing.

    Otherwise, a result would depend on the hour of the day and on the runs before it.
    """
    pack = folder / "pack"
    shutil.copytree(DEFAULT_PACK, pack)
    routing = pack / "routing.yaml"
    unpaced, count = re.subn(r"(?m)^pacing: .*$", "pacing: null", routing.read_text(encoding="utf-8"))
    assert count == 1, "routing.yaml must have exactly one line that begins with `pacing:`"
    routing.write_text(unpaced, encoding="utf-8")
    (pack / "overlay.yaml").write_text("always_open: true\n", encoding="utf-8")
    return pack


async def _load(system: System, installation: Installation, directory: Directory) -> None:
    addresses = system.environment
    async with Connections() as connections:

        def caller(client_id: str) -> Caller:
            client = installation.clients.get(client_id)
            return Caller(connections, client_id, client.secret, addresses["ENLACE_TOKEN_URL"])

        steward = caller("network-steward")
        url = addresses["ENLACE_DIRECTORY_URL"]
        await load_directory(directory, url=url, steward=steward, said=lambda _: None)
        await in_turns(_declare_endless(steward, url, service) for service in directory.services)
    await _add_endpoints(system, directory)


async def _declare_endless(steward: Caller, url: str, service: Service) -> None:
    pools = [{**pool, "maximum": PLACES, "available": PLACES} for pool in capacity_body(service)["pools"]]
    await steward.call("PUT", f"{url}/v1/services/{service.id}/capacity", body={"pools": pools})


async def _add_endpoints(system: System, directory: Directory) -> None:
    """Add one paused endpoint per organisation, so that delivery rows are written and no webhook is sent."""
    url = system.databases["ENLACE_NOTIFICATIONS_DATABASE_URL"]
    connection = await asyncpg.connect(url, server_settings={WORKS_FOR: "service"})
    try:
        await connection.executemany(
            ADD_PAUSED_ENDPOINT, [(organization.id,) for organization in directory.organizations]
        )
    finally:
        await connection.close()


ADD_PAUSED_ENDPOINT = """
    INSERT INTO endpoint (id, organization_id, url, status, paused_until, version, created_at, changed_at)
    VALUES ($1::uuid, $1::uuid, 'http://127.0.0.1:9/', 'enabled', now() + interval '1 day', 1, now(), now())
"""


async def measure_chain(side: Side, returnees: int, *, run: str) -> Result:
    """Send `returnees` arrivals at once, and wait until the deliveries of all their offers are written.

    A delivery is written after Kafka has acknowledged its offer, so the last delivery is the end of both.
    """
    messages = list(arrivals(returnees, run=run))
    if side.lands:
        await land(side, returnees, run=run)
    before = cpu_seconds(side.pids)
    started = await send_all(side.bootstrap, messages)
    expected = returnees * len(NEEDS)

    async def done() -> bool:
        return bool(await value(side.url("NOTIFICATIONS"), _DELIVERED, started) >= expected)

    await until(done, what=f"{expected} delivery rows", within_s=PATIENCE_SECONDS)
    used = spent(before, cpu_seconds(side.pids))
    last = await value(side.url("NOTIFICATIONS"), "SELECT max(stored_at) FROM delivery WHERE stored_at >= $1", started)
    return Result(returnees, seconds_between(started, last), used)


_DELIVERED = "SELECT count(*) FROM delivery WHERE stored_at >= $1"
"""With this condition an index keeps the question cheap if the table already has many rows."""


async def land(side: Side, returnees: int, *, run: str) -> None:
    """Send the landings of the flights, and wait until referral has stored them."""
    await tell_landings(side, list(landings(returnees, run=run)))


async def tell_landings(side: Side, messages: list[Message]) -> None:
    """Send these landings, and wait until referral has stored them."""
    landed = "SELECT count(*) FROM arrival_batch WHERE landed_at IS NOT NULL"
    known = await value(side.url("REFERRAL"), landed)
    await send_all(side.bootstrap, messages)

    async def heard() -> bool:
        return bool(await value(side.url("REFERRAL"), landed) >= known + len(messages))

    await until(heard, what="flights to land", within_s=PATIENCE_SECONDS, every_s=0.05)


async def measure_flight(side: Side, *, run: str) -> float:
    """Seconds from the transaction that reports a flight's last need to the one that makes its last offer.

    All needs have the urgency `normal`; the directory has 60 services.
    """
    offers = "SELECT count(*) FROM offer"
    before = await value(side.url("REFERRAL"), offers)
    messages = list(arrivals(FLIGHT_SIZE, run=run, urgency="normal"))
    await land(side, FLIGHT_SIZE, run=run)
    started = await send_all(side.bootstrap, messages)

    async def done() -> bool:
        return bool(await value(side.url("REFERRAL"), offers) >= before + FLIGHT_SIZE * len(NEEDS))

    await until(done, what="offers of a flight", within_s=PATIENCE_SECONDS, every_s=0.05)
    written = "SELECT max(created_at) FROM outbox_sent WHERE type = $1 AND created_at >= $2"

    async def sent() -> bool:
        return not await value(side.url("REFERRAL"), "SELECT count(*) FROM outbox")

    await until(sent, what="the outbox of referral to be drained", within_s=PATIENCE_SECONDS, every_s=0.05)
    reported = await value(side.url("REGISTRATION"), written, "need.reported.v1", started)
    offered = await value(side.url("REFERRAL"), written, "offer.made.v1", started)
    return seconds_between(reported, offered)
