"""The four services as an outsider meets them: an address, an API document and tokens; real PostgreSQL, no Kafka."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import uvicorn
from fastapi import FastAPI

from libs.chassis.settings import CommonSettings, Role
from tests.contract.seeds import Seed, fill_referral, seeds_of
from tests.infra import PostgresForTests, apart, for_service
from tests.served import IssuerForTests, bound_socket

PACK = Path(__file__).resolve().parents[2] / "deploy" / "packs" / "guatemala"
_KEY = base64.b64encode(bytes(range(32))).decode()
_OTHER_KEY = base64.b64encode(bytes(range(32, 64))).decode()

SETTINGS = {
    "registration": ("Settings", {"pack": PACK, "vault_key": _KEY, "restricted_key": _OTHER_KEY}),
    "referral": ("Settings", {"pack": PACK}),
    "provider_directory": ("DirectorySettings", {"pack": PACK}),
    "notifications": ("NotificationsSettings", {"webhook_secret_key": _KEY, "webhook_allow_private": True}),
}


@dataclass(frozen=True)
class Api:
    """One running service."""

    base_url: str
    document: dict[str, Any]
    callers: list[dict[str, str]]
    """Headers of those who call: a client of an organisation, one of the network, one of our own services."""
    seeds: list[Seed]


@contextmanager
def running_api(service: str, postgres: PostgresForTests, issuer: IssuerForTests) -> Iterator[Api]:
    """The service in a thread with a loop of its own, with tokens for all that its document asks for."""
    settings, create_app = _service(service, postgres, issuer)
    organization_id = uuid4()
    if service == "referral":
        apart(fill_referral(create_app(settings), issuer, settings.database_url, organization_id))
    app = create_app(settings)
    document = app.openapi()
    with _serving(app) as base_url:
        yield Api(base_url, document, callers_of(service, document, issuer, organization_id), seeds_of(service))


def callers_of(
    service: str, document: dict[str, Any], issuer: IssuerForTests, organization_id: UUID
) -> list[dict[str, str]]:
    """Headers with all scopes of a service's document: of an organisation, of staff, and of a service of ours."""
    scopes = _scopes(document)
    return [
        issuer.headers(scopes, client_id=f"fuzz-{nth}", reception_places=["GT"], **whose)
        for nth, whose in enumerate(_whose(service, organization_id))
    ]


def _whose(service: str, organization_id: UUID) -> list[dict[str, Any]]:
    asks = [{"service": "notifications"}] if service == "registration" else []
    return [{"organization_id": organization_id}, {"staff": True}, *asks]


def wired(
    service: str, postgres: PostgresForTests, issuer: IssuerForTests, *, database_url: str | None = None
) -> FastAPI:
    """The application of a service, not yet started; with a database of its own, or with the one that is given."""
    settings, create_app = _service(service, postgres, issuer, database_url=database_url)
    return create_app(settings)


def _service(
    service: str, postgres: PostgresForTests, issuer: IssuerForTests, *, database_url: str | None = None
) -> tuple[CommonSettings, Callable[[CommonSettings], FastAPI]]:
    name, own = SETTINGS[service]
    if service == "registration":
        keys = postgres.migrated("registration", "keys_migrations")
        own = {**own, "keys_database_url": for_service(keys)}
    settings = getattr(import_module(f"services.{service}.settings"), name)(
        database_url=database_url or for_service(postgres.migrated(service)),
        kafka_bootstrap_servers="127.0.0.1:9",
        token_issuer=issuer.url,
        token_jwks_url=issuer.jwks_url,
        fingerprint_key="a-key-for-tests-alone",
        role=Role.API,
        **own,
    )
    return settings, import_module(f"services.{service}.app").create_app


def _scopes(document: dict[str, Any]) -> list[str]:
    wanted = {"restricted:read"}
    for operations in document["paths"].values():
        for operation in operations.values():
            for requirement in operation.get("security", []):
                wanted |= {scope for scopes in requirement.values() for scope in scopes}
    return sorted(wanted)


class _Server(uvicorn.Server):
    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        """Leave signals to pytest."""
        return nullcontext()


@contextmanager
def _serving(app: FastAPI) -> Iterator[str]:
    with bound_socket() as listener:
        server = _Server(uvicorn.Config(app, lifespan="on", ws="none", access_log=False, log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        until = time.monotonic() + 120
        while not server.started:
            assert thread.is_alive(), "the app did not start; its log says why"
            assert time.monotonic() < until, "the app did not start in time"
            time.sleep(0.02)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)
