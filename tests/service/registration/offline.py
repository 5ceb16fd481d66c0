"""A device without a line, as tests use it: it makes operations and sends them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

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
