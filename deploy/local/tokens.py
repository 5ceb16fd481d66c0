"""The access tokens of the local issuer: JWTs (RFC 9068), signed with ES256, for clients that have a secret."""

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
    """A machine client that can get tokens with these scopes, for one organisation or for none."""

    client_id: str
    secret: str
    organization_id: UUID | None
    scopes: frozenset[str]
    audience: tuple[str, ...] = ()
    """The services for which its tokens are valid; if it is empty, the services of its scopes."""
    desks: tuple[str, ...] = ()
    """The desks for which it acts. A client whose id is a desk needs none."""
    reception_places: tuple[str, ...] = ()
    """Place codes: it may see the people who were received there. The code of a country includes all its places."""
    staff: bool = False
    """True for a client of the network itself."""
    service: str | None = None
    """The name of our own service, if the client is one."""

    def get_client_id(self) -> str:
        """The id of the client."""
        return self.client_id

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The requested scopes, or all its scopes if none is requested.

        None (the error `invalid_scope`) if it does not have a requested scope.
        """
        asked = frozenset((scope or "").split()) or self.scopes
        return " ".join(sorted(asked)) if asked <= self.scopes else None

    def check_client_secret(self, client_secret: str) -> bool:
        """True if this is the client's secret; compared in constant time."""
        return hmac.compare_digest(self.secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """True for HTTP Basic and form fields, never without a secret."""
        return endpoint == "token" and method in ("client_secret_basic", "client_secret_post")

    def check_grant_type(self, grant_type: str) -> bool:
        """True only for client credentials."""
        return grant_type == "client_credentials"


class AccessTokens(JWTBearerTokenGenerator):
    """Creates tokens with issuer, audience, expiry, subject, client, scopes and organisation."""

    def __init__(self, *, issuer: str, key: ECKey) -> None:
        lifetime: Callable[[object, str], int] = lambda _client, _grant: LIFETIME_SECONDS  # noqa: E731
        super().__init__(issuer=issuer, alg=ALGORITHM, expires_generator=lifetime)  # type: ignore[no-untyped-call]
        self._keys = KeySet([key])

    def get_jwks(self) -> KeySet:
        """The signing key in a set, so that tokens contain its id (`kid`)."""
        return self._keys

    def get_audiences(self, client: Client, user: object, scope: str) -> list[str]:
        """The audiences of the token: the services at which its scopes permit something, and no others."""
        return list(client.audience or audiences_of(scope.split()))

    def get_extra_claims(self, client: Client, grant_type: str, user: object, scope: str) -> dict[str, Any]:
        """The claims about the client that it has: organisation, desks, reception places, staff, service."""
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
        """The JWK set with which these tokens are verified."""
        return dict(self._keys.as_dict(private=False))


def new_key() -> ECKey:
    """A new signing key; its id is its thumbprint (RFC 7638)."""
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, private=True)
    key.ensure_kid()
    return key
