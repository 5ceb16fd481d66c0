"""The console as a client of the local issuer: the only client with which people sign in."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import ClientMixin

from deploy.local.audiences import SCOPES_OF
from deploy.local.loopback import is_loopback
from deploy.local.person import IDENTITY_SCOPES

CONSOLE_CLIENT: Final = "enlace-console"
CONSOLE_SECRET: Final = f"client-{CONSOLE_CLIENT}"  # pragma: allowlist secret
"""The name of the client's secret in the keyring."""
_KNOWN_SCOPES: Final = frozenset().union(IDENTITY_SCOPES, {"restricted:read"}, *SCOPES_OF.values())


class ConsoleUrlError(SystemExit):
    """The console's address cannot be used. It ends the process; the text says why."""


@dataclass(frozen=True)
class ConsoleClient(ClientMixin):
    """A confidential client with exact redirect URIs, all below its own address."""

    url: str
    secret: str = field(repr=False)
    client_id: str = CONSOLE_CLIENT

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or self.url != f"{parts.scheme}://{parts.netloc}":
            raise ConsoleUrlError(f"the console's address must be http(s)://HOST:PORT and no more; it is {self.url}")
        if not is_loopback(parts.hostname or ""):
            raise ConsoleUrlError(f"sample people sign in only on their own machine; the console is at {self.url}")

    @property
    def redirect_uri(self) -> str:
        """The only address to which a code is sent."""
        return f"{self.url}/sign-in/callback"

    @property
    def client_metadata(self) -> dict[str, Any]:
        """The addresses to which the browser may return after signing out (the name is Authlib's)."""
        return {"post_logout_redirect_uris": [f"{self.url}/"]}

    def get_client_id(self) -> str:
        """The id of the client."""
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """Nothing: a request must name its redirect URI."""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """True for exactly one address."""
        return redirect_uri == self.redirect_uri

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The requested scopes. None (the error `invalid_scope`) without `openid`, or if one of them is unknown."""
        asked = (scope or "").split()
        return " ".join(asked) if "openid" in asked and _KNOWN_SCOPES.issuperset(asked) else None

    def check_client_secret(self, client_secret: str) -> bool:
        """True if this is the client's secret; compared in constant time."""
        return hmac.compare_digest(self.secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """True for HTTP Basic and form fields, never without a secret."""
        return endpoint == "token" and method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        """True only for the code flow."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """True for the grants of people. The console has no rights of its own, so it has no client credentials."""
        return grant_type in ("authorization_code", "refresh_token")
