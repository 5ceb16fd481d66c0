"""How tests screen people."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from uuid_utils.compat import uuid7

from libs.certificates.holders import holder_digest
from libs.events.catalogue.directory import CertificatePublished
from libs.instruments.conditions import Value

KIND = "protection_screening"
SCOPES = "returnees:read access-log:read screening:read screening:write restricted:read"
CALM: dict[str, Value] = {
    "could_leave": "yes",
    "papers_kept_by_others": "no",
    "pay": "own",
    "threats": ("nobody",),
    "unsafe_at_home": "no",
}
"""Answers from which nothing follows."""
TROUBLED = CALM | {"papers_kept_by_others": "yes"}


def path(person: dict[str, Any]) -> str:
    return f"/v1/returnees/{person['id']}/screening"


@dataclass
class Screener:
    """A person who signs in; by default one of the network."""

    registration: Any
    subject: str = field(default_factory=lambda: f"screener-{uuid4()}")
    claims: dict[str, Any] = field(default_factory=dict)

    @property
    def whole(self) -> dict[str, Any]:
        signed_in = {"client_id": "enlace-console", "subject": self.subject, "scopes": SCOPES}
        return signed_in | {"reception_places": ["GT"], "staff": True} | self.claims

    async def certify(self, **changes: Any) -> CertificatePublished:
        """The directory publishes a certificate of this person, valid today unless told otherwise."""
        certificate_id = changes.pop("certificate_id", uuid7())
        holder = changes.pop("holder", self.subject)
        today = date.today()  # noqa: DTZ011 (a day more or less does not matter)
        values: dict[str, Any] = {
            "certificate_id": certificate_id,
            "version": 1,
            "kind": KIND,
            "holder_digest": holder_digest(UUID(str(certificate_id)), holder),
            "organization_id": self.claims.get("organization_id"),
            "valid_from": today - timedelta(days=30),
            "valid_until": today + timedelta(days=30),
            "revoked_at": None,
        }
        event = CertificatePublished(**(values | changes))
        await self.registration.hear(event, source="urn:enlace:provider-directory")
        return event

    async def open(self, person: dict[str, Any], **body: Any) -> Any:
        return await self.registration.post(path(person), body, **self.whole)

    async def read(self, person: dict[str, Any]) -> Any:
        return await self.registration.get(path(person), **self.whole)

    async def save(self, person: dict[str, Any], answers: dict[str, Any], *, etag: str = "*") -> Any:
        told = [{"question": one, "value": value} for one, value in answers.items()]
        headers = self.registration.headers(**self.whole) | {"If-Match": etag}
        return await self.registration.client.patch(path(person), json={"answers": told}, headers=headers)

    async def end(self, person: dict[str, Any], how: str) -> Any:
        return await self.registration.post(f"{path(person)}/end", {"how": how}, **self.whole)

    async def acts(self, person: dict[str, Any]) -> dict[str, Any]:
        """The answers to each act, by its name."""
        return {
            "open": await self.open(person),
            "read": await self.read(person),
            "save": await self.save(person, CALM),
            "complete": await self.end(person, "complete"),
            "stop": await self.end(person, "stop"),
        }


async def certified(registration: Any, **claims: Any) -> Screener:
    """A person with a certificate."""
    screener = Screener(registration, claims=claims)
    await screener.certify()
    return screener
