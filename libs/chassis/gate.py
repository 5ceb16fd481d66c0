"""Who calls is settled before anything is spent on the request: its body is read, and a transaction opened, after that.

FastAPI itself reads and parses the body first and then resolves what a route asks for in the order of its parameters,
so that a request without a token would cost a body in memory and, where `Session` comes first, a transaction. Here
every route is wrapped once, when the application is built: the token is verified and its scope checked, then the body
is read, then FastAPI begins.
"""

from collections.abc import Awaitable, Callable, Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from libs.chassis.auth import Requirement, requirement_of
from libs.chassis.database import one_transaction

READ_BODY = "libs.chassis.read_body"
"""Key of the request's scope: what reads and checks the body, as `InputGuard` left it."""
OPEN_TO_ALL = "x-open-to-all"
"""Set in a route's `openapi_extra`: why it takes a transaction for somebody who shows no token."""


class UngatedRouteError(RuntimeError):
    """A route opens a transaction for everybody and doesn't say so."""


class Gate:
    """The ASGI application of one route, behind the check of who calls."""

    def __init__(self, inner: ASGIApp, requirement: Requirement | None) -> None:
        self._inner = inner
        self.requirement = requirement
        """Who may call; None where the route asks for no caller."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Verify the caller, read the body, go on."""
        if self.requirement is not None:
            request = Request(scope)
            await self.requirement.admit(request, request.headers.get("authorization"))
        read: Callable[[], Awaitable[Receive]] | None = scope.get(READ_BODY)
        await self._inner(scope, receive if read is None else await read(), send)


def close(route: APIRoute) -> None:
    """Put `route` behind its gate; one that is there already stays as it is.

    Raises `UngatedRouteError` where it takes a session, asks for no caller, and isn't declared `OPEN_TO_ALL`.
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
