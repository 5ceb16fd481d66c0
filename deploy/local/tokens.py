"""The access tokens of the local issuer: JWTs (RFC 9068), signed with ES256, for programs and for people."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from joserfc.jwk import ECKey, KeySet

from deploy.local.audiences import audiences_of
from deploy.local.person import IDENTITY_SCOPES, Person

ALGORITHM = "ES256"
LIFETIME_SECONDS = 3600
PEOPLE_SECONDS = 600
"""How long a person's access token is valid. Then the console gets a new one, with the roles of that moment."""
PEOPLE_GRANTS = ("authorization_code", "refresh_token")


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
    roles: tuple[str, ...] = ()
    """Its roles, for the record of access. Its scopes say what it may do."""

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

    def get_default_redirect_uri(self) -> None:
        """Nothing: nobody signs in to a program."""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """False: nobody signs in to a program."""
        return False

    def check_response_type(self, response_type: str) -> bool:
        """False: nobody signs in to a program."""
        return False

    def check_grant_type(self, grant_type: str) -> bool:
        """True only for client credentials."""
        return grant_type == "client_credentials"


class AccessTokens(JWTBearerTokenGenerator):
    """Creates tokens with issuer, audience, expiry, subject, client, scopes and organisation."""

    def __init__(self, *, issuer: str, key: ECKey, people_seconds: int = PEOPLE_SECONDS) -> None:
        lifetime: Callable[[object, str], int] = lambda _client, grant: (  # noqa: E731
            people_seconds if grant in PEOPLE_GRANTS else LIFETIME_SECONDS
        )
        refresh: Callable[..., str] = lambda **_: secrets.token_urlsafe(32)  # noqa: E731
        super().__init__(issuer, ALGORITHM, refresh_token_generator=refresh, expires_generator=lifetime)  # type: ignore[no-untyped-call]
        self._keys = KeySet([key])

    def get_jwks(self) -> KeySet:
        """The signing key in a set, so that tokens contain its id (`kid`)."""
        return self._keys

    def access_token_generator(self, client: Any, grant_type: str, user: Person | None, scope: str) -> str:
        """The access token. Scopes such as `openid` only concern the ID token, so they are not in it."""
        ours = " ".join(one for one in scope.split() if one not in IDENTITY_SCOPES)
        return str(super().access_token_generator(client, grant_type, user, ours))  # type: ignore[no-untyped-call]

    def get_audiences(self, client: Any, user: Person | None, scope: str) -> list[str]:
        """The audiences of the token: the services at which its scopes permit something, and no others."""
        narrowed = () if isinstance(user, Person) else client.audience
        return list(narrowed or audiences_of(scope.split()))

    def get_extra_claims(self, client: Any, grant_type: str, user: Person | None, scope: str) -> dict[str, Any]:
        """The claims of the person, or else of the client: whose it is, roles, desks, reception places, service."""
        if isinstance(user, Person):
            # Without the claim, the client's id could count as a desk. A person acts for the desks in the claim only.
            return _claims(user) | ({"desks": list(user.desks)} if user.staff else {})
        claims = _claims(client)
        if client.service is not None:
            claims["service"] = client.service
        return claims

    def public_keys(self) -> dict[str, Any]:
        """The JWK set with which these tokens are verified."""
        return dict(self._keys.as_dict(private=False))


def _claims(holder: Client | Person) -> dict[str, Any]:
    claims: dict[str, Any] = {}
    if holder.organization_id is not None:
        claims["organization_id"] = str(holder.organization_id)
    if holder.roles:
        claims["roles"] = list(holder.roles)
    if holder.desks:
        claims["desks"] = list(holder.desks)
    if holder.reception_places:
        claims["reception_places"] = list(holder.reception_places)
    if holder.staff:
        claims["staff"] = True
    return claims


def new_key() -> ECKey:
    """A new signing key; its id is its thumbprint (RFC 7638)."""
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, private=True)
    key.ensure_kid()
    return key
