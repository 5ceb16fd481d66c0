"""Who calls, and what they may do: OAuth 2.0 bearer tokens in the RFC 9068 profile, a scope per operation.

    caller: Annotated[Caller, requires("things:write")]

Without a token, or with a bad one, the answer is a 401 with `WWW-Authenticate` (RFC 6750); without the scope a 403;
while the issuer's keys cannot be had a 503. Tokens are judged on real time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from fastapi import Request, Security
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import OAuth2, SecurityScopes

from libs.chassis.errors import Refusal
from libs.chassis.tokens import InvalidToken, TokenVerifier

SCHEME = "bearer"
_REALM = "enlace"


class Unauthenticated(Refusal):
    """There is no bearer token."""

    code = "token-missing"
    status = 401

    def __init__(self) -> None:
        super().__init__("Send an access token: Authorization: Bearer …")
        self.headers["WWW-Authenticate"] = f'Bearer realm="{_REALM}"'


class TokenRefused(Refusal):
    """The bearer token isn't one of ours, or no longer, or not for us."""

    code = "invalid-token"
    status = 401

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.headers["WWW-Authenticate"] = f'Bearer realm="{_REALM}", error="invalid_token", error_description="{why}"'


class ScopeMissing(Refusal):
    """The token is right, but doesn't allow this."""

    code = "insufficient-scope"
    status = 403

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs the scope {scope}.")
        self.headers["WWW-Authenticate"] = f'Bearer realm="{_REALM}", error="insufficient_scope", scope="{scope}"'


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request, as the token says."""

    subject: str
    client_id: str
    organization_id: UUID | None
    scopes: frozenset[str]
    claims: Mapping[str, Any] = field(default_factory=dict)
    """Every claim of the token, for what a service itself understands."""

    def texts(self, claim: str) -> tuple[str, ...] | None:
        """A claim that lists texts, or None where the token has none; `TokenRefused` where it has another form."""
        values = self.claims.get(claim)
        if values is None:
            return None
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise TokenRefused("A claim of the token has the wrong form")
        return tuple(values)


def requires(scope: str) -> Any:
    """A dependency that gives the `Caller`, whose token must carry `scope`."""
    return Security(identified, scopes=[scope])


_scheme = OAuth2(
    flows=OAuthFlows(clientCredentials=OAuthFlowClientCredentials(tokenUrl="/token", scopes={})),
    scheme_name=SCHEME,
    auto_error=False,
)


async def identified(request: Request, scopes: SecurityScopes, authorization: str | None = Security(_scheme)) -> Caller:
    """The dependency behind `requires`. Behind the gate of `libs.chassis.gate` the token was verified already."""
    known = getattr(request.state, "caller", None)
    if isinstance(known, Caller):
        _demand(known, scopes)
        return known
    return await authenticated(request, scopes, authorization)


async def authenticated(request: Request, scopes: SecurityScopes, authorization: str | None) -> Caller:
    """Verify the token of this request and demand its scopes; the caller is kept for the rest of the request."""
    verifier: TokenVerifier = request.app.state.tokens
    caller = await _identify(_bearer(authorization), verifier)
    _demand(caller, scopes)
    request.state.caller = caller
    return caller


def _demand(caller: Caller, scopes: SecurityScopes) -> None:
    for scope in scopes.scopes:
        if scope not in caller.scopes:
            raise ScopeMissing(scope)


def caller_of(request: Request) -> Caller:
    """The caller of a request whose route asks for one."""
    caller = getattr(request.state, "caller", None)
    if caller is None:
        raise RuntimeError("the route doesn't ask for a caller: add Annotated[Caller, requires(...)]")
    assert isinstance(caller, Caller)
    return caller


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    return token.strip()


async def _identify(token: str, verifier: TokenVerifier) -> Caller:
    try:
        claims = await verifier.verify(token)
        organization = claims.get("organization_id")
        return Caller(
            subject=claims["sub"],
            client_id=claims["client_id"],
            organization_id=None if organization is None else UUID(organization),
            scopes=frozenset(claims.get("scope", "").split()),
            claims=claims,
        )
    except InvalidToken as fault:
        raise TokenRefused(str(fault)) from None
    except (ValueError, TypeError, AttributeError):
        raise TokenRefused("A claim of the token has the wrong form") from None
