"""A device without a line, as tests use it: it makes operations and sends them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from tests.service.registration.conftest import Registration, a_returnee


@dataclass
class Device:
    """One device; its clock may be wrong."""

    registration: Registration
    id: str = field(default_factory=lambda: str(uuid4()))
    clock: timedelta = timedelta(0)
    claims: dict[str, Any] = field(default_factory=dict)
    last: int = 0

    def now(self) -> datetime:
        return datetime.now(UTC) + self.clock

    def op(self, kind: str, *, ago: timedelta = timedelta(0), **fields: Any) -> dict[str, Any]:
        """The next operation of this device."""
        self.last += 1
        made = {"id": str(uuid4()), "sequence": self.last, "made_at": (self.now() - ago).isoformat(), "kind": kind}
        return made | fields

    def person(self, **changes: Any) -> dict[str, Any]:
        """The registration of a person."""
        return self.op("register", person_id=str(uuid4()), data=a_returnee(**changes))

    async def post(self, *operations: Any, **changes: Any) -> Any:
        """The response to these operations."""
        body = {"device_id": self.id, "sent_at": self.now().isoformat(), "operations": list(operations)} | changes
        return await self.registration.post("/v1/sync", body, **self.claims)

    async def send(self, *operations: Any, **changes: Any) -> list[dict[str, Any]]:
        """The results of these operations."""
        response = await self.post(*operations, **changes)
        assert response.status_code == 200, response.text
        results: list[dict[str, Any]] = response.json()["results"]
        return results

    async def register(self, **changes: Any) -> dict[str, Any]:
        """The result of the registration of one person, with the device's id of the person."""
        op = self.person(**changes)
        (result,) = await self.send(op)
        assert result["status"] == 201, result
        return result | {"person_id": op["person_id"]}


async def person(registration: Registration, returnee_id: str) -> Any:
    """A person as a caller with a line sees them."""
    response = await registration.get(f"/v1/returnees/{returnee_id}")
    assert response.status_code == 200, response.text
    return response.json()


async def correct(registration: Registration, returnee_id: str, **body: Any) -> None:
    """A correction with a line."""
    response = await registration.patch(f"/v1/returnees/{returnee_id}", body, etag="*")
    assert response.status_code == 200, response.text


async def conflicts(registration: Registration, returnee_id: str, *, is_open: bool = True, **claims: Any) -> Any:
    """The conflicts about a person."""
    path = f"/v1/sync/conflicts?open={str(is_open).lower()}&returnee_id={returnee_id}"
    response = await registration.get(path, **claims)
    assert response.status_code == 200, response.text
    return response.json()["items"]


async def values(registration: Registration, conflict_id: str) -> Any:
    """A conflict with both values."""
    response = await registration.get(f"/v1/sync/conflicts/{conflict_id}")
    assert response.status_code == 200, response.text
    return response.json()


async def resolve(
    registration: Registration,
    conflict_id: str,
    resolution: str,
    *,
    etag: str | None = '"1"',
    reason: str = "asked_the_person",
    **claims: Any,
) -> httpx.Response:
    """The response to a decision."""
    headers = registration.headers(**claims) | ({"If-Match": etag} if etag else {})
    body = {"resolution": resolution, "reason": reason}
    return await registration.client.post(f"/v1/sync/conflicts/{conflict_id}/resolve", json=body, headers=headers)
