"""The caller is checked before a request uses resources: the body is read and the transaction begins after this check.

FastAPI itself reads and parses the body first and then resolves the dependencies of a route in the order of its
parameters. A request without a token would then use memory for a body and, if `Session` comes first, a transaction.
Here every route is wrapped once, when the application is built: the token is verified and its scope checked, then the
body is read, then FastAPI begins.
"""

from collections.abc import Awaitable, Callable, Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from libs.chassis.auth import Requirement, requirement_of
from libs.chassis.database import one_transaction

READ_BODY = "libs.chassis.read_body"
"""Key in the request's scope: the function that reads and checks the body, set by `InputGuard`."""
OPEN_TO_ALL = "x-open-to-all"
"""Key in a route's `openapi_extra`: the reason why it opens a transaction for callers without a token."""


class UngatedRouteError(RuntimeError):
    """A route opens a transaction for callers without a token and does not declare it."""


class Gate:
    """The ASGI application of one route, after the check of the caller."""

    def __init__(self, inner: ASGIApp, requirement: Requirement | None) -> None:
        self._inner = inner
        self.requirement = requirement
        """Who may call; None if the route requires no caller."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Verify the caller, read the body, then pass the request on."""
        if self.requirement is not None:
            request = Request(scope)
            await self.requirement.admit(request, request.headers.get("authorization"))
        read: Callable[[], Awaitable[Receive]] | None = scope.get(READ_BODY)
        await self._inner(scope, receive if read is None else await read(), send)


def close(route: APIRoute) -> None:
    """Wrap `route` with its gate; a route that is already wrapped does not change.

    Raises `UngatedRouteError` if it uses a session, requires no caller, and is not declared `OPEN_TO_ALL`.
    """
    if isinstance(route.app, Gate):
        return
    requirement = requirement_of(route)
    takes_session = one_transaction in _walk(route.dependant)
    if takes_session and requirement is None and not (route.openapi_extra or {}).get(OPEN_TO_ALL):
        raise UngatedRouteError(f"{route.path}: a session without a caller; ask for one or declare {OPEN_TO_ALL}")
    route.app = Gate(route.app, requirement)


def _walk(dependant: Dependant) -> Iterator[object]:
    """Every dependency of a route, at any depth."""
    for inner in dependant.dependencies:
        yield inner.call
        yield from _walk(inner)
