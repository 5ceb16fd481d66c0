"""Who sends a request, and what the sender may do: OAuth 2.0 bearer tokens in the RFC 9068 profile. Each operation
requires a scope.

    caller: Annotated[Caller, requires("things:write", by={CallerKind.ORGANIZATION, CallerKind.STAFF})]

If the token is missing or invalid, the response is a 401 with `WWW-Authenticate` (RFC 6750). If the scope is missing,
or the operation is not for this kind of caller, it is a 403. While the issuer's keys cannot be fetched, it is a 503.
Tokens are checked with real time. The service does not start if a route does not declare who may call it
(`require_callers`).
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Security
from fastapi.dependencies.models import Dependant
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.routing import APIRoute
from fastapi.security import OAuth2

from libs.chassis.errors import Refusal
from libs.chassis.principals import digest_of, is_of_person, principal_of
from libs.chassis.tenancy import CallerKind, Tenant, TenantMissing, refused_kind
from libs.chassis.tokens import InvalidToken, TokenVerifier

SCHEME = "bearer"
_REALM = "enlace"


class Unauthenticated(Refusal):
    """The request has no bearer token."""

    code = "token-missing"
    status = 401

    def __init__(self) -> None:
        super().__init__("Send an access token: Authorization: Bearer …")
        self.headers["WWW-Authenticate"] = f'Bearer realm="{_REALM}"'


class TokenRefused(Refusal):
    """The bearer token is invalid, expired, or for another service."""

    code = "invalid-token"
    status = 401

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.headers["WWW-Authenticate"] = f'Bearer realm="{_REALM}", error="invalid_token", error_description="{why}"'


class ScopeMissing(Refusal):
    """The token is valid, but lacks the scope."""

    code = "insufficient-scope"
    status = 403

    def __init__(self, scope: str) -> None:
        super().__init__(f"This operation requires the scope {scope}.")
        self.headers["WWW-Authenticate"] = f'Bearer realm="{_REALM}", error="insufficient_scope", scope="{scope}"'


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request, from the claims of the token."""

    subject: str
    client_id: str
    tenant: Tenant
    """The rows that it may read and change."""
    scopes: frozenset[str]
    claims: Mapping[str, Any] = field(default_factory=dict)
    """Every claim of the token, for claims that only one service uses."""
    person: bool = False
    """True if a person signed in; other people use the same `client_id`. False for a program."""
    certified: set[str] = field(default_factory=set, compare=False)
    """The kinds of certificates that the caller holds, as the transaction of the request has found them. It is empty
    before that, and in services that ask for no certificates."""

    @property
    def principal(self) -> str:
        """The owner of what this caller sends: a program by its client, a person by the subject alone."""
        return principal_of(self.client_id, self.subject, person=self.person)

    @property
    def organization_id(self) -> UUID | None:
        """The organisation for which the caller acts. If it is None, `tenant` says what kind of caller it is."""
        return self.tenant.organization_id

    def texts(self, claim: str) -> tuple[str, ...] | None:
        """A claim that is a list of texts; None if the token lacks it; `TokenRefused` if it has another form."""
        values = self.claims.get(claim)
        if values is None:
            return None
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise TokenRefused("A claim of the token has the wrong form")
        return tuple(values)


_scheme = OAuth2(
    flows=OAuthFlows(clientCredentials=OAuthFlowClientCredentials(tokenUrl="/token", scopes={})),
    scheme_name=SCHEME,
    auto_error=False,
)


class Requirement:
    """A dependency that accepts a `Caller` with this scope, of one of these kinds."""

    def __init__(self, scope: str, by: AbstractSet[CallerKind]) -> None:
        if not by:
            raise ValueError("an operation must allow at least one kind of caller")
        self.scope = scope
        self.by = frozenset(by)

    async def __call__(self, request: Request, authorization: str | None = Security(_scheme)) -> Caller:
        """The caller. If the request came through a gate (`libs.chassis.gate`), its token is already verified."""
        known = getattr(request.state, "caller", None)
        if isinstance(known, Caller):
            self.demand(known)
            return known
        return await self.admit(request, authorization)

    async def admit(self, request: Request, authorization: str | None) -> Caller:
        """Verify the token of this request and check its caller, who is stored for the rest of the request."""
        verifier: TokenVerifier = request.app.state.tokens
        interactive: frozenset[str] = request.app.state.settings.interactive_clients
        caller = await _identify(_bearer(authorization), verifier, interactive)
        request.state.verified_client = caller.client_id
        request.state.verified_caller = digest_of(caller.client_id, caller.subject)
        request.app.state.rates.of_caller(request, request.state.verified_caller)
        self.demand(caller)
        request.state.caller = caller
        return caller

    def demand(self, caller: Caller) -> None:
        """Raise the refusal for a caller who may not use the operation."""
        if self.scope not in caller.scopes:
            raise ScopeMissing(self.scope)
        if not caller.tenant.kinds & self.by:
            raise refused_kind(caller.tenant.kinds, by=self.by)

    def refusals(self) -> list[str]:
        """The codes of the 403s that it may answer, for the API document."""
        others = frozenset(CallerKind) - self.by
        wrong = [] if not others else [refused_kind(others, by=self.by).code]
        return [ScopeMissing.code, TenantMissing.code, *wrong]


def requires(scope: str, *, by: AbstractSet[CallerKind]) -> Any:
    """A dependency that gives the `Caller`, whose token must carry `scope` and be of one of the kinds `by`."""
    return Security(Requirement(scope, by), scopes=[scope])


def requirement_of(route: APIRoute) -> Requirement | None:
    """Who may call a route. None if the route does not declare it; RuntimeError if the route declares it twice."""
    found = list(dict.fromkeys(_requirements(route.dependant)))
    if len(found) > 1:
        raise RuntimeError(f"{route.path} says twice who may call it")
    return found[0] if found else None


def require_callers(routers: Sequence[APIRouter]) -> None:
    """Raise RuntimeError if one of these routes does not declare who may call it."""
    routes = (route for router in routers for route in router.routes)
    silent = [getattr(route, "path", repr(route)) for route in routes if not _says_who(route)]
    if silent:
        raise RuntimeError(f"these routes don't say who may call them: {', '.join(silent)}")


def _says_who(route: object) -> bool:
    return isinstance(route, APIRoute) and requirement_of(route) is not None


def _requirements(dependant: Dependant) -> Iterator[Requirement]:
    for one in dependant.dependencies:
        if isinstance(one.call, Requirement):
            yield one.call
        yield from _requirements(one)


def caller_of(request: Request) -> Caller:
    """The caller of a request whose route requires one."""
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


async def _identify(token: str, verifier: TokenVerifier, interactive: AbstractSet[str] = frozenset()) -> Caller:
    try:
        claims = await verifier.verify(token)
        scopes = frozenset(claims.get("scope", "").split())
        return Caller(
            subject=claims["sub"],
            client_id=claims["client_id"],
            tenant=Tenant.of(claims, scopes),
            scopes=scopes,
            claims=claims,
            person=is_of_person(claims, interactive),
        )
    except InvalidToken as fault:
        raise TokenRefused(str(fault)) from None
    except (ValueError, TypeError, AttributeError):
        raise TokenRefused("A claim of the token has the wrong form") from None
