"""How tests certify the callers who see restricted needs."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import httpx
from uuid_utils.compat import uuid7

from libs.certificates.holders import holder_digest, holder_of
from libs.chassis.tenancy import RESTRICTED_SCOPE
from libs.events.catalogue.directory import CertificatePublished

KIND = "protected_cases"
SOURCE = "urn:enlace:provider-directory"


def a_certificate(holder: str, organization_id: object | None = None, **changes: Any) -> CertificatePublished:
    """A certificate of this holder, valid on every day on which a test may be, unless told otherwise."""
    certificate_id = changes.get("certificate_id", uuid7())
    values: dict[str, Any] = {
        "certificate_id": certificate_id,
        "version": 1,
        "kind": KIND,
        "holder_digest": holder_digest(UUID(str(certificate_id)), holder),
        "organization_id": organization_id,
        "valid_from": date(2000, 1, 1),
        "valid_until": date(2099, 1, 1),
        "revoked_at": None,
    }
    return CertificatePublished(**(values | changes))


class Certifying:
    """Certifies each caller with `restricted:read` before the request is sent, unless the test says `certified=False`.

    So tests of other rules need not know of certificates.
    """

    def __init__(self, interactive: frozenset[str]) -> None:
        self._interactive = interactive
        self._done: set[tuple[str, object]] = set()
        self._waiting: list[tuple[str, object]] = []

    def expect(self, scopes: str, claims: dict[str, Any]) -> None:
        """Note the caller of a token with these scopes and claims."""
        if RESTRICTED_SCOPE not in scopes.split():
            return
        client_id, subject = str(claims["client_id"]), claims.get("subject")
        person = client_id in self._interactive
        holder = holder_of(client_id, str(subject), person=person)
        self._waiting.append((holder, claims.get("organization_id")))

    async def before(self, registration: Any, _: httpx.Request) -> None:
        """Certify the callers that were noted."""
        while self._waiting:
            caller = self._waiting.pop()
            if caller not in self._done:
                self._done.add(caller)
                await registration.hear(a_certificate(*caller), source=SOURCE)
