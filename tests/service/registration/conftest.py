"""Registration on a real PostgreSQL and a real port, without Kafka: its API, and its subscribers called directly."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from uuid_utils.compat import uuid7

from libs.chassis.clock import Clock
from libs.chassis.database import Database, raw
from libs.chassis.settings import Role
from libs.chassis.spans import DiscreetExporter, JsonLinesExporter
from libs.events.catalogue.directory import Accreditation, Agreement, OrganizationPublished
from libs.events.catalogue.referral import OfferAccepted
from libs.events.event import Event, Received
from libs.events.subscriptions import Subscriptions
from services.registration import app
from services.registration.database import KeysDatabase
from services.registration.linkage.priors import Priors
from services.registration.linkage.priors import load as load_priors
from services.registration.pack import Pack, load_pack
from services.registration.settings import Settings
from services.registration.vault.sealing import MasterKey, Vault
from tests.categories import CATEGORIES
from tests.certifying import Certifying
from tests.infra import for_service

PACK = Path(__file__).resolve().parents[3] / "deploy" / "packs" / "guatemala"
KEY = base64.b64encode(bytes(range(32))).decode()
RESTRICTED_KEY = base64.b64encode(bytes(range(32, 64))).decode()
RECEPTION = (
    "arrivals:write arrivals:read returnees:write returnees:read consents:write packets:read erasure:write "
    "access-log:read safe-contact:read intake:decide matches:read matches:decide"
)
LANDED_AT = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)


def a_consent(**changes: Any) -> dict[str, Any]:
    """A consent to referral to providers, as the desk records it."""
    given_at = datetime.now(UTC) - timedelta(minutes=1)
    return {
        "purpose": "referral",
        "recipient_class": "providers",
        "data_described": "My name and how to reach me (sample)",
        "given_by": "self",
        "revocation_explained": True,
        "method": "signature",
        "language": "spa",
        "staff_reference": "desk-3",
        "given_at": given_at.isoformat(),
        "expires_at": (given_at + timedelta(days=365)).isoformat(),
    } | changes


def a_returnee(**changes: Any) -> dict[str, Any]:
    """The five answers that start everything (sample), of a person who came without a batch unless one is named."""
    came_alone = not changes.keys() & {"arrival_batch_id", "batch_reference"}
    return (
        ({"reception_place": "GT01"} if came_alone else {})
        | {
            "arrived_at": LANDED_AT.isoformat(),
            "identity": {"given_names": "Muestra Uno", "family_names": "Ejemplo Primero"},
            "profile": {"nationality": "GT", "identity_document": "lost_on_route"},
        }
        | changes
    )


def an_announcement(count: int = 2, **changes: Any) -> dict[str, Any]:
    """A flight with `count` people (samples)."""
    return {
        "sender_reference": f"flight-{uuid4()}",
        "mode": "flight",
        "reception_place": "GT01",
        "expected_at": LANDED_AT.isoformat(),
        "entries": [
            {"sender_reference": f"seat-{n}", "given_names": f"Muestra {n}", "family_names": "Ejemplo"}
            for n in range(count)
        ],
    } | changes


@dataclass(repr=False)  # asyncio asks for the text of a fixture's result, and that of the pack is very long
class Registration:
    """The running service and what a test asks of it."""

    client: httpx.AsyncClient
    database: Database
    url: str
    keys_url: str
    vault: Vault
    pack: Pack
    subscriptions: Subscriptions
    tokens: Callable[..., str]
    settings: Settings
    certifying: Certifying
    outbox_before: int
    """Events up to this id were told by earlier tests, which share the databases."""

    def __post_init__(self) -> None:
        self.client.event_hooks["request"].append(partial(self.certifying.before, self))

    def headers(self, **claims: Any) -> dict[str, str]:
        """What a caller sends: by default a token of the country's reception and a fresh Idempotency-Key. A caller with
        `restricted:read` is certified, except with `certified=False`."""
        scopes, certified = claims.pop("scopes", RECEPTION), claims.pop("certified", True)
        whose = {"client_id": "reception-system", "reception_places": ["GT"], "staff": True}
        if certified:
            self.certifying.expect(scopes, whose | claims)
        token = self.tokens(scopes, **(whose | claims))
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}

    async def post(self, path: str, body: Any = None, **claims: Any) -> httpx.Response:
        return await self.client.post(path, json=body, headers=self.headers(**claims))

    async def get(self, path: str, **claims: Any) -> httpx.Response:
        if "/safe-contact" in path:  # which one of our own services alone may look up
            claims = {"service": "notifications"} | claims
        return await self.client.get(path, headers=self.headers(**claims))

    async def patch(self, path: str, body: Any, *, etag: str) -> httpx.Response:
        return await self.client.patch(path, json=body, headers=self.headers() | {"If-Match": etag})

    async def register(self, **changes: Any) -> dict[str, Any]:
        """Register a person and give the answer's body."""
        response = await self.post("/v1/returnees", a_returnee(**changes))
        assert response.status_code == 201, response.text
        return response.json()

    async def announce(self, count: int = 2, **changes: Any) -> dict[str, Any]:
        """Announce a flight and give the answer's body."""
        response = await self.post("/v1/arrival-batches", an_announcement(count, **changes))
        assert response.status_code == 201, response.text
        return response.json()

    async def fetch(self, sql: str, *values: Any, keys: bool = False) -> list[asyncpg.Record]:
        """Rows straight from the database."""
        connection = await asyncpg.connect(self.keys_url if keys else self.url)
        try:
            return await connection.fetch(sql, *values)
        finally:
            await connection.close()

    async def events(self, *types: str, key: object | None = None) -> list[dict[str, Any]]:
        """What waits in the outbox, oldest first: data with `type` and `traceparent`."""
        sql = "SELECT type, key, payload, traceparent FROM outbox WHERE id > $1 ORDER BY id"
        return [
            json.loads(row["payload"]) | {"type": row["type"], "traceparent": row["traceparent"]}
            for row in await self.fetch(sql, self.outbox_before)
            if (not types or row["type"] in types) and key in (None, row["key"])
        ]

    async def hear(
        self,
        *events: Event,
        source: str = "urn:reception:sample",
        traceparent: str | None = None,
        told_at: datetime | None = None,
    ) -> None:
        """Deliver events in one transaction, wave by wave as the bus would with one key each.

        The directory has published whoever accepts an offer before.
        """
        for one in events:
            if isinstance(one, OfferAccepted):
                await self.provider(one.organization_id)
        async with self.database.transaction() as session:
            for event in events:
                found = self.subscriptions.find(event.topic, event.type)
                assert found is not None, event.type
                received = Received(
                    event=event,
                    id=str(uuid7()),
                    source=source,
                    time=told_at or datetime.now(UTC),
                    key=event.key,
                    traceparent=traceparent,
                )
                await found[0].call(session, [received])

    async def provider(self, organization_id: UUID, *, version: int = 1, **changes: Any) -> None:
        """The directory publishes an organisation, in good standing for every category unless told otherwise."""
        until = date(2099, 1, 1)
        values: dict[str, Any] = {
            "status": "active",
            "accreditations": [Accreditation(category=one, valid_until=until) for one in CATEGORIES],
            "agreements": [Agreement(category=one, valid_until=until) for one in CATEGORIES],
        }
        await self.hear(OrganizationPublished(organization_id=organization_id, version=version, **(values | changes)))

    async def hear_at_once(self, events: Sequence[Event], *, source: str = "urn:reception:sample") -> None:
        """Deliver events of one type to their handler as one batch."""
        found = self.subscriptions.find(events[0].topic, events[0].type)
        assert found is not None
        async with self.database.transaction() as session:
            now = datetime.now(UTC)
            batch = [Received(event=e, id=str(uuid7()), source=source, time=now, key=e.key) for e in events]
            await found[0].call(session, batch)


@pytest.fixture(scope="module")
def databases(postgres_server: Any) -> Iterator[tuple[str, str]]:
    """One pair for the tests of a file: each makes its own people, and looks at the events that were told since it
    began. With one pair for all files, tests that read whole lists would read the people of all others."""
    with postgres_server.lending() as lend:
        yield lend("registration"), lend("registration", "keys_migrations")


@pytest.fixture(scope="session")
def sample_pack() -> Pack:
    """Frozen, so one for all tests: reading it takes as long as many of them."""
    return load_pack(PACK)


@pytest.fixture(scope="session")
def sample_priors() -> Priors:
    """Frozen as the pack is, and read once for the same reason."""
    return load_priors(PACK / "linkage.yaml")


@pytest.fixture
def read_once(sample_pack: Pack, sample_priors: Priors, monkeypatch: Any) -> None:
    """Applications of the tests get what the session has read."""
    monkeypatch.setattr(app, "load_pack", lambda directory: sample_pack)
    monkeypatch.setattr(app, "load_priors", lambda path: sample_priors)


@pytest.fixture(scope="session")
def spans_directory(tmp_path_factory: Any) -> Path:
    """Where spans go. The first application of a process decides; after another service's they go here too."""
    directory: Path = tmp_path_factory.mktemp("spans")
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        exporter = DiscreetExporter(JsonLinesExporter(directory, service="registration"))
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    return directory


@pytest.fixture
async def registration(
    databases: tuple[str, str], sample_pack: Pack, read_once: None, issuer: Any, running: Any, spans_directory: Path
) -> AsyncIterator[Registration]:
    """The API on a real port."""
    url, keys_url = databases
    settings = Settings(
        database_url=for_service(url),
        keys_database_url=for_service(keys_url),
        vault_key=KEY,
        restricted_key=RESTRICTED_KEY,
        pack=PACK,
        kafka_bootstrap_servers="127.0.0.1:1",
        token_issuer=issuer.url,
        token_jwks_url=issuer.jwks_url,
        fingerprint_key="sample-fingerprint-key",
        role=Role.API,
        spans_directory=spans_directory,
    )
    keys = KeysDatabase(keys_url)
    vault = Vault(MasterKey.from_base64(KEY), keys, MasterKey.from_base64(RESTRICTED_KEY))
    database = Database(for_service(url), clock=Clock(), application_name="registration-test")
    async with database.transaction() as session:
        told = await (await raw(session)).fetchval("SELECT coalesce(max(id), 0) FROM outbox")
    async with running(app.create_app(settings)) as client:
        yield Registration(
            outbox_before=told,
            certifying=Certifying(settings.interactive_clients),
            client=client,
            database=database,
            url=url,
            keys_url=keys_url,
            vault=vault,
            pack=sample_pack,
            subscriptions=app.subscriptions_of(vault=vault, pack=sample_pack),
            tokens=issuer.token,
            settings=settings,
        )
    await database.close()
    await keys.close()
