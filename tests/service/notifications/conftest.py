"""The service of notifications on a real PostgreSQL and a real port, without Kafka: its API, and its sender apart."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from uuid_utils.compat import uuid7

from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.chassis.settings import Role
from libs.events.catalogue.referral import OfferMade
from libs.events.codes import Urgency
from libs.events.event import Event, Received
from services.notifications.app import create_app
from services.notifications.deliveries.loop import Sender
from services.notifications.endpoints.sealing import SecretBox
from services.notifications.inbox.subscribers import file_notices
from services.notifications.settings import NotificationsSettings
from tests.infra import for_service
from tests.service.notifications.receiving import Webhooks, receiver

KEY = base64.b64encode(bytes(range(32))).decode()
SCOPES = "endpoints:write endpoints:read deliveries:read"
ALICE, BRUNO = UUID(int=0xA11CE), UUID(int=0xB20)
"""Two organisations (samples)."""
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def an_offer(organization_id: UUID = ALICE, **changes: Any) -> OfferMade:
    """An offer that was made to this organisation."""
    facts: dict[str, Any] = {
        "returnee_id": uuid4(),
        "case_code": "GT-SMPL-0001",
        "need_id": uuid4(),
        "category": "shelter",
        "at": datetime.now(UTC),
        "referral_id": uuid4(),
        "offer_id": uuid4(),
        "organization_id": organization_id,
        "provider_service_id": uuid4(),
        "urgency": Urgency.URGENT,
        "people_count": 1,
        "service_type": "temporary_shelter",
        "restricted": False,
        "answer_by": datetime.now(UTC),
    }
    return OfferMade(**(facts | changes))


def received(event: Event) -> Received[Event]:
    """The event as a handler gets it."""
    return Received(
        event=event,
        id=str(uuid7()),
        source="urn:enlace:referral",
        time=datetime.now(UTC),
        key=event.key,
        traceparent=TRACEPARENT,
    )


@dataclass(repr=False)  # asyncio asks for the text of a fixture's result, and that of the pack is very long
class Notifications:
    """The running service and what a test asks of it."""

    client: httpx.AsyncClient
    database: Database
    url: str
    tokens: Callable[..., str]
    settings: NotificationsSettings
    senders: list[tuple[asyncio.Task[None], asyncio.Event]] = field(default_factory=list)

    def headers(self, organization_id: UUID | None = ALICE, *, scopes: str = SCOPES, **more: str) -> dict[str, str]:
        client_id = f"client-of-{organization_id}"
        token = self.tokens(scopes, organization_id=organization_id, client_id=client_id)
        return {"Authorization": f"Bearer {token}", **more}

    async def get(self, path: str, organization_id: UUID = ALICE, **more: Any) -> httpx.Response:
        return await self.client.get(path, headers=self.headers(organization_id), **more)

    async def post(
        self, path: str, organization_id: UUID = ALICE, *, key: str | None = None, **more: Any
    ) -> httpx.Response:
        headers = self.headers(organization_id, **{"Idempotency-Key": key or str(uuid4())})
        return await self.client.post(path, headers=headers, **more)

    async def add_endpoint(self, url: str, organization_id: UUID = ALICE, **more: Any) -> dict[str, Any]:
        response = await self.post("/v1/endpoints", organization_id, json={"url": url, **more})
        assert response.status_code == 201, response.text
        created: dict[str, Any] = response.json()
        return created

    async def tell(self, *events: Event, database: Database | None = None) -> list[Received[Event]]:
        """Have the subscriber handle these events as one batch."""
        batch = [received(event) for event in events]
        async with (database or self.database).transaction() as session:
            await file_notices(session, batch)
        return batch

    def sender(self, database: Database | None = None, **changes: Any) -> Sender:
        options: dict[str, Any] = {"allow_private": True, "concurrency": 16, "endpoint_concurrency": 4}
        return Sender(database or self.database, box=SecretBox(KEY), **(options | changes))

    def start(self, sender: Sender) -> asyncio.Event:
        """Run a sender until the test ends, or the event that is returned is set."""
        stop = asyncio.Event()
        self.senders.append((asyncio.create_task(sender.run(stop)), stop))
        return stop

    async def stop(self) -> None:
        for _, stop in self.senders:
            stop.set()
        results = await asyncio.gather(*(task for task, _ in self.senders), return_exceptions=True)
        assert not [result for result in results if result is not None], results
        self.senders.clear()

    async def rows(self, query: str, *arguments: Any) -> Sequence[asyncpg.Record]:
        connection = await asyncpg.connect(self.url)
        try:
            rows: Sequence[asyncpg.Record] = await connection.fetch(query, *arguments)
            return rows
        finally:
            await connection.close()

    async def wait_for_rows(self, query: str, *arguments: Any, seconds: float = 45) -> Sequence[asyncpg.Record]:
        """The rows of `query`, once there are any."""
        async with asyncio.timeout(seconds):
            while not (rows := await self.rows(query, *arguments)):  # noqa: ASYNC110 (another process writes)
                await asyncio.sleep(0.02)
        return rows


@pytest.fixture
def database_url(migrated: Callable[..., str]) -> str:
    return migrated("notifications")


@pytest.fixture
def settings(database_url: str, issuer: Any) -> NotificationsSettings:
    return NotificationsSettings(
        database_url=for_service(database_url),
        kafka_bootstrap_servers="127.0.0.1:9",
        token_issuer=issuer.url,
        token_jwks_url=issuer.jwks_url,
        fingerprint_key="a key of the tests, 32 characters",
        webhook_secret_key=KEY,
        webhook_allow_private=True,
        role=Role.API,
    )


@pytest.fixture
async def service(
    settings: NotificationsSettings, database_url: str, issuer: Any, running: Any
) -> AsyncIterator[Notifications]:
    async with running(create_app(settings)) as client, a_database(settings.database_url) as database:
        notifications = Notifications(client, database, database_url, issuer.token, settings)
        yield notifications
        await notifications.stop()


@asynccontextmanager
async def a_database(url: str, clock: Clock | None = None) -> AsyncIterator[Database]:
    """A pool of its own, perhaps on a faster clock."""
    database = Database(url, clock=clock or Clock(), application_name="test-sender")
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def webhooks() -> AsyncIterator[Webhooks]:
    async with receiver() as running_receiver:
        yield running_receiver
