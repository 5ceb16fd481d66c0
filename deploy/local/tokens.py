"""Access tokens as the local issuer makes them: JWTs of RFC 9068, signed with ES256, for clients that hold a secret."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from joserfc.jwk import ECKey, KeySet

from deploy.local.audiences import audiences_of

ALGORITHM = "ES256"
LIFETIME_SECONDS = 3600


@dataclass(frozen=True)
class Client(ClientMixin):
    """A machine that may ask for tokens, for one organisation or for none, within these scopes."""

    client_id: str
    secret: str
    organization_id: UUID | None
    scopes: frozenset[str]
    audience: tuple[str, ...] = ()
    """For whom its tokens are; where it is empty, the services of its scopes."""
    desks: tuple[str, ...] = ()
    """Desks that it speaks for; a client that is a desk itself needs none."""
    reception_places: tuple[str, ...] = ()
    """Where the people were received whom it may see, by place code; the code of a country holds all of it."""
    staff: bool = False
    """Whether it is of the network itself."""
    service: str | None = None
    """Which of our own services it is."""

    def get_client_id(self) -> str:
        """Its id."""
        return self.client_id

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """All its scopes where none is asked for; None (an `invalid_scope`) where one is asked for that it has not."""
        asked = frozenset((scope or "").split()) or self.scopes
        return " ".join(sorted(asked)) if asked <= self.scopes else None

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether this is its secret, in constant time."""
        return hmac.compare_digest(self.secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """HTTP Basic or form fields; never without a secret."""
        return endpoint == "token" and method in ("client_secret_basic", "client_secret_post")

    def check_grant_type(self, grant_type: str) -> bool:
        """Client credentials only."""
        return grant_type == "client_credentials"


class AccessTokens(JWTBearerTokenGenerator):
    """Makes the tokens: issuer, audience, expiry, subject, client, scopes and organisation."""

    def __init__(self, *, issuer: str, key: ECKey) -> None:
        lifetime: Callable[[object, str], int] = lambda _client, _grant: LIFETIME_SECONDS  # noqa: E731
        super().__init__(issuer=issuer, alg=ALGORITHM, expires_generator=lifetime)  # type: ignore[no-untyped-call]
        self._keys = KeySet([key])

    def get_jwks(self) -> KeySet:
        """The key to sign with, in a set, so that tokens name it (`kid`)."""
        return self._keys

    def get_audiences(self, client: Client, user: object, scope: str) -> list[str]:
        """Whom the token is for: the services of its scopes, and never a service at which none opens anything."""
        return list(client.audience or audiences_of(scope.split()))

    def get_extra_claims(self, client: Client, grant_type: str, user: object, scope: str) -> dict[str, Any]:
        """Whose the client is: organisation, desks, reception places, staff, service; those that there are."""
        claims: dict[str, Any] = {}
        if client.organization_id is not None:
            claims["organization_id"] = str(client.organization_id)
        if client.desks:
            claims["desks"] = list(client.desks)
        if client.reception_places:
            claims["reception_places"] = list(client.reception_places)
        if client.staff:
            claims["staff"] = True
        if client.service is not None:
            claims["service"] = client.service
        return claims

    def public_keys(self) -> dict[str, Any]:
        """The JWK set that verifies these tokens."""
        return dict(self._keys.as_dict(private=False))


def new_key() -> ECKey:
    """A signing key with an id of its own (its RFC 7638 thumbprint)."""
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, private=True)
    key.ensure_kid()
    return key
