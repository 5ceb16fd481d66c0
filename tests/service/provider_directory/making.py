"""Valid requests by default; a test states only what matters. All organisations are invented samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from libs.events.catalogue.directory import EVENTS
from libs.events.event import Event
from tests.served import IssuerForTests

READER = "directory:read"
OWNER = "directory:read directory:write capacity:write"
STEWARD = "directory:read directory:write directory:admin capacity:write restricted:read"

_EVENTS: dict[str, type[Event]] = {event.type: event for event in EVENTS}


def organization_body(**changes: Any) -> dict[str, Any]:
    return {"name": "Casa de Acogida Ejemplo", "description": "Sample data", **changes}


def service_body(organization_id: UUID, /, **changes: Any) -> dict[str, Any]:
    return {
        "organization_id": str(organization_id),
        "name": "Albergue temporal",
        "description": "Sample data",
        "category": "shelter",
        "service_type": "temporary_shelter",
        "place": "GT01",
        "timezone": "America/Guatemala",
        "languages": ["spa"],
        **changes,
    }


def location_body(organization_id: UUID, /, **changes: Any) -> dict[str, Any]:
    return {
        "organization_id": str(organization_id),
        "place": "GT01",
        "timezone": "America/Guatemala",
        "address": {"address_1": "0 Calle Ejemplo 1-23", "city": "Ciudad de Guatemala", "country": "GT"},
        **changes,
    }


def pool_body(**changes: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "kind": "adult_beds", "maximum": 10, "available": 4, **changes}


@dataclass
class Directory:
    """The running service, its database, and callers with tokens of their own."""

    client: httpx.AsyncClient
    issuer: IssuerForTests
    database_url: str

    async def call(
        self,
        method: str,
        path: str,
        *,
        scopes: str = STEWARD,
        of: UUID | None = None,
        client_id: str = "test-client",
        headers: dict[str, str] | None = None,
        **request: Any,
    ) -> httpx.Response:
        token = self.issuer.headers(scopes, organization_id=of, client_id=client_id)
        return await self.client.request(method, path, headers={**token, **(headers or {})}, **request)

    async def get(self, path: str, **caller: Any) -> httpx.Response:
        return await self.call("GET", path, **caller)

    async def put(self, path: str, body: Any, **caller: Any) -> httpx.Response:
        return await self.call("PUT", path, json=body, **caller)

    async def post(self, path: str, body: Any = None, **caller: Any) -> httpx.Response:
        return await self.call("POST", path, **({} if body is None else {"json": body}), **caller)

    async def search(self, *, scopes: str = READER, params: dict[str, Any] | None = None, **wanted: Any) -> list[str]:
        """The names of the services found."""
        answer = await self.post("/v1/services/search", wanted, scopes=scopes, params=params)
        assert answer.status_code == 200, answer.text
        return [hit["service"]["name"] for hit in answer.json()["items"]]

    async def an_organization(self, organization_id: UUID | None = None, **changes: Any) -> UUID:
        organization_id = organization_id or uuid4()
        answer = await self.put(f"/v1/organizations/{organization_id}", organization_body(**changes))
        assert answer.status_code == 201, answer.text
        return organization_id

    async def a_service(self, organization_id: UUID, service_id: UUID | None = None, **changes: Any) -> UUID:
        service_id = service_id or uuid4()
        answer = await self.put(f"/v1/services/{service_id}", service_body(organization_id, **changes))
        assert answer.status_code == 201, answer.text
        return service_id

    async def a_location(self, organization_id: UUID, **changes: Any) -> UUID:
        location_id = uuid4()
        answer = await self.put(f"/v1/locations/{location_id}", location_body(organization_id, **changes))
        assert answer.status_code == 201, answer.text
        return location_id

    async def a_declaration(self, service_id: UUID, *pools: dict[str, Any], **changes: Any) -> dict[str, Any]:
        body = {"pools": list(pools) or [pool_body()], **changes}
        answer = await self.put(f"/v1/services/{service_id}/capacity", body)
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json())

    async def outbox(self, key: UUID | None = None) -> list[Event]:
        """Everything that will be published, in order; of one key if it is given."""
        rows = await self.fetch("SELECT type, key, topic, payload FROM outbox ORDER BY id")
        for row in rows:
            assert row["topic"] == _EVENTS[row["type"]].topic
        return [
            _EVENTS[row["type"]].model_validate_json(row["payload"])
            for row in rows
            if key is None or row["key"] == str(key)
        ]

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        connection = await asyncpg.connect(self.database_url)
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()
