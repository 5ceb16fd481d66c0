"""The system that is broken: four services, PostgreSQL and Kafka as processes, every connection of theirs by a proxy.

The run itself goes past the proxies where it sets up and where it looks; the load does not.
"""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import httpx
import yaml

from deploy.demo.client import Caller, Connections
from deploy.demo.loading import capacity_body, in_turns, load_directory
from deploy.local.installation import DEFAULT_PACK, KAFKA_VARIABLE, SERVICES, Installation
from deploy.local.processes import free_port
from deploy.local.supervisor import System, running_system
from deploy.local.timekeeping import clock_settings
from deploy.packs.directory import Directory
from deploy.packs.directory import load_directory as read_directory
from libs.chassis.clock import Clock
from libs.chassis.http_settings import UNLIMITED
from tests.chaos.proxy import Proxy
from tests.chaos.receivers import Receivers, receiving

SERVICE_NAMES = tuple(service.name for service in SERVICES)
CATEGORIES = ("transport", "food", "health", "shelter", "family_contact")
"""Basic categories: offered without consent, so that every need goes its whole way."""
SERVICES_PER_CATEGORY = 3
ANYBODY: dict[str, Any] = {
    "catchment": [],
    "on_site_at": None,
    "eligibility": {},
    "language_must_match": False,
    "place": "GT01",
}
"""What is changed in each service: whoever comes from wherever may be offered it."""
DATA_PROTECTION = "chaos-data-protection"
"""The client that erases people; the pack has none of its own."""
CLOCK_RATE = 60.0
"""An hour of the clock in a minute: offers expire, reminders and retries of webhooks come while we look."""
ENDLESS = 1_000_000
CONTENDED = 3
"""Every so many-th service has a small pool whose maximum goes up and down."""
CONTENDED_MAXIMUM = 6


@dataclass
class Stage:
    """The running system, its proxies and its partners."""

    system: System
    directory: Directory
    connections: Connections
    kafka: Proxy
    postgres: Proxy
    webhooks: Proxy
    receivers: Receivers

    def url(self, word: str) -> str:
        """The address of a service's API, such as REFERRAL."""
        return self.system.environment[f"ENLACE_{word}_URL"]

    def database(self, name: str) -> str:
        """The URL of a service's database, past the proxy."""
        service = next(one for one in SERVICES if one.name == name)
        return self.system.databases[next(iter(service.databases))]

    @property
    def kafka_direct(self) -> str:
        """Kafka past the proxy."""
        return self.system.environment[KAFKA_VARIABLE]

    def secret_of(self, client_id: str) -> str:
        """What this client shows the issuer."""
        return self.system.installation.clients.get(client_id).secret

    def caller(self, client_id: str) -> Caller:
        """A client for setting up; the load has clients of its own."""
        token_url = self.system.environment["ENLACE_TOKEN_URL"]
        return Caller(self.connections, client_id, self.secret_of(client_id), token_url)

    @property
    def clock(self) -> Clock:
        """The installation's."""
        extra = self.system.installation.extra
        return Clock(
            rate=float(extra["ENLACE_CLOCK_RATE"]), origin=datetime.fromisoformat(extra["ENLACE_CLOCK_ORIGIN"])
        )

    @property
    def contended(self) -> list[str]:
        """Ids of the services with a small pool."""
        return [str(service.id) for service in self.directory.services[::CONTENDED]]

    def heal(self) -> None:
        """All networks are good again."""
        for proxy in (self.kafka, self.postgres, self.webhooks):
            proxy.heal()


@asynccontextmanager
async def set_stage(folder: Path, *, seed: int, say: Any = lambda _: None) -> AsyncIterator[Stage]:
    """The whole system in `folder`, with a directory, capacity and webhook endpoints. Nothing is left at its end."""
    pack = await asyncio.to_thread(small_pack, folder)
    installation = Installation(state=folder / "enlace", pack=pack)
    ports = installation.choose_ports()
    listener = free_port()
    async with AsyncExitStack() as stack:
        kafka = await stack.enter_async_context(Proxy.to(listener))
        postgres = await stack.enter_async_context(Proxy.to(ports["postgres"]))
        receivers = await stack.enter_async_context(receiving(Random(seed)))
        webhooks = await stack.enter_async_context(Proxy.to(receivers.port))
        installation = Installation(
            state=installation.state,
            pack=pack,
            extra=_extra(installation, kafka=kafka, postgres=postgres),
            kafka_settings=_two_listeners(ports, listener, advertised=kafka.port),
        )
        system = await stack.enter_async_context(running_system(installation, say=say))
        connections = await stack.enter_async_context(Connections())
        stage = Stage(system, read_directory(pack), connections, kafka, postgres, webhooks, receivers)
        await _load(stage)
        yield stage


def small_pack(folder: Path) -> Path:
    """Guatemala's pack without opening hours, and of its services a few that anybody may be offered."""
    pack = folder / "pack"
    shutil.copytree(DEFAULT_PACK, pack, dirs_exist_ok=True)
    (pack / "overlay.yaml").write_text("always_open: true\n", encoding="utf-8")
    path = pack / "directory.yaml"
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    kept: Counter[str] = Counter()
    for organization in read["organizations"]:
        organization["services"] = [
            service | ANYBODY
            for service in organization["services"]
            if service["category"] in CATEGORIES and not service.get("restricted") and _more_of(service, kept)
        ]
    read["organizations"] = [organization for organization in read["organizations"] if organization["services"]]
    path.write_text(yaml.safe_dump(read, allow_unicode=True, sort_keys=False), encoding="utf-8")
    with (pack / "clients.yaml").open("a", encoding="utf-8") as clients:
        clients.write(
            f"  - {{client_id: {DATA_PROTECTION}, name: Data protection, roles: [data_protection_officer],"
            " staff: true, reception_places: [GT]}\n"
        )
    return pack


def _more_of(service: dict[str, Any], kept: Counter[str]) -> bool:
    kept[service["category"]] += 1
    return kept[service["category"]] <= SERVICES_PER_CATEGORY


def _extra(installation: Installation, *, kafka: Proxy, postgres: Proxy) -> dict[str, str]:
    """What the services read instead of the direct addresses."""
    databases = {
        variable: f"postgresql://{name}:{quote(installation.keyring.get(f'postgres-{name}'))}@{postgres.address}/{name}"
        for service in SERVICES
        for variable, name in service.databases.items()
    }
    return {
        **databases,
        **UNLIMITED,
        **clock_settings(installation.state, CLOCK_RATE),
        KAFKA_VARIABLE: kafka.address,
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.01",
    }


def _two_listeners(ports: dict[str, int], listener: int, *, advertised: int) -> dict[str, str]:
    """One listener for the run itself, one that tells its clients to come by the proxy."""
    direct, controller = f"127.0.0.1:{ports['kafka']}", f"127.0.0.1:{ports['kafka-controller']}"
    return {
        "listeners": f"PLAINTEXT://{direct},PROXIED://127.0.0.1:{listener},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{direct},PROXIED://127.0.0.1:{advertised}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
    }


async def _load(stage: Stage) -> None:
    steward, url = stage.caller("network-steward"), stage.url("DIRECTORY")
    await load_directory(stage.directory, url=url, steward=steward, said=lambda _: None)
    contended = set(stage.contended)

    async def declare(service: Any) -> None:
        maximum = CONTENDED_MAXIMUM if str(service.id) in contended else ENDLESS
        pools = [{**pool, "maximum": maximum, "available": maximum} for pool in capacity_body(service)["pools"]]
        await steward.call("PUT", f"{url}/v1/services/{service.id}/capacity", body={"pools": pools})

    await in_turns(declare(service) for service in stage.directory.services)
    for organization in stage.directory.organizations:
        caller = stage.caller(organization.slug)
        made = await caller.post(
            f"{stage.url('NOTIFICATIONS')}/v1/endpoints",
            {"url": f"http://{stage.webhooks.address}/hooks/{organization.slug}"},
        )
        stage.receivers.expect(organization.slug, made["secret"])


async def unready(stage: Stage) -> list[str]:
    """The services that do not say that all their work goes on."""
    found = []
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        for service in SERVICES:
            try:
                answer = await client.get(f"{stage.system.environment[service.url_variable]}/workz")
            except httpx.HTTPError:
                found.append(service.name)
            else:
                if answer.status_code != httpx.codes.OK:
                    found.append(service.name)
    return found
