"""Who shows no token, or a bad one, costs no connection to the database and no body: on every route of every service.

The routes are those that the applications serve, so that a new one is tried without being named.
"""

from __future__ import annotations

import itertools
import re
from typing import Annotated, Any
from uuid import uuid4

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import event

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.gate import OPEN_TO_ALL, Gate, UngatedRouteError, close
from libs.chassis.tenancy import STAFF
from tests.contract.apis import SETTINGS, wired
from tests.served import running

_TRIES = 200
_OTHERS = {"/livez", "/readyz", "/workz"}
"""What a supervisor asks, without a token: they say that the process lives, and aren't of the API."""


def _operations(app: FastAPI) -> list[tuple[str, str]]:
    routes = [route for route in app.routes if isinstance(route, APIRoute) and route.path not in _OTHERS]
    return [(method, _filled(route)) for route in routes for method in sorted(route.methods)]


def _filled(route: APIRoute) -> str:
    return re.sub(r"{[^}]*}", str(uuid4()), route.path)


@pytest.mark.parametrize("service", SETTINGS)
async def test_a_stranger_opens_no_connection(service, postgres_server, issuer):
    app = wired(service, postgres_server, issuer)
    taken: list[object] = []
    event.listen(app.state.database.engine.sync_engine, "checkout", lambda *connection: taken.append(connection))
    stranger = {"Authorization": f"Bearer {issuer.token('nothing:read', client_id='stranger')}"}
    kinds: list[dict[str, str]] = [{}, {"Authorization": "Bearer rubbish"}, {"Authorization": "Basic eDp5"}, stranger]
    async with running(app) as client:
        taken.clear()  # at its start a service looks which rights its own login has
        operations = _operations(app)
        tries = itertools.product(operations, kinds)
        for (method, path), headers in itertools.islice(itertools.cycle(tries), max(_TRIES, len(operations) * 4)):
            answer = await client.request(method, path, headers=headers, content=b"{" if method != "GET" else None)
            assert answer.status_code == (403 if headers is stranger else 401), (method, path, headers)
        assert taken == []
        # The listener hears: somebody who may costs one.
        _, (method, path) = _one_read(app)
        allowed = {
            "Authorization": f"Bearer {issuer.token(_all_scopes(app), client_id='known', organization_id=uuid4())}"
        }
        await client.request(method, path, headers=allowed)
    assert len(taken) == 1


def _one_read(app: FastAPI) -> tuple[APIRoute, tuple[str, str]]:
    for route in app.routes:
        if isinstance(route, APIRoute) and "GET" in route.methods and route.path.endswith("_id}"):
            return route, ("GET", _filled(route))
    raise AssertionError("no service is without a thing to show")


def _all_scopes(app: FastAPI) -> str:
    gates = [route.app for route in app.routes if isinstance(route, APIRoute) and isinstance(route.app, Gate)]
    return " ".join({gate.requirement.scope for gate in gates if gate.requirement is not None})


@pytest.mark.parametrize("service", SETTINGS)
async def test_every_route_of_the_api_stands_behind_its_gate(service, postgres_server, issuer):
    app = wired(service, postgres_server, issuer)
    for route in app.routes:
        if isinstance(route, APIRoute) and route.path not in _OTHERS:
            assert isinstance(route.app, Gate), route.path
            assert route.app.requirement is not None, f"{route.path} asks for no scope"


@pytest.mark.parametrize("service", SETTINGS)
async def test_a_strangers_body_is_not_read(service, postgres_server, issuer):
    app = wired(service, postgres_server, issuer)
    writing = [(method, path) for method, path in _operations(app) if method in {"POST", "PUT", "PATCH"}]
    asked = []

    async def receive() -> dict[str, Any]:
        asked.append(1)
        return {"type": "http.request", "body": b"x" * 1_000, "more_body": len(asked) < 3}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    statuses: list[int] = []
    async with app.router.lifespan_context(app):
        for method, path in writing:
            await app(_scope(method, path), receive, send)
    assert statuses == [401] * len(writing)
    assert asked == []


def _scope(method: str, path: str) -> dict[str, Any]:
    headers = [(b"transfer-encoding", b"chunked"), (b"content-type", b"application/json")]
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "raw_path": path.encode(), "query_string": b"", "headers": headers, "scheme": "http", "root_path": "",
        "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1), "state": {},
    }  # fmt: skip


def test_a_session_for_everybody_must_be_declared():
    router = APIRouter()

    @router.get("/open")
    async def undeclared(session: Session) -> None: ...

    @router.get("/told", openapi_extra={OPEN_TO_ALL: "says nothing that isn't on a poster"})
    async def told(session: Session) -> None: ...

    @router.get("/asked")
    async def asked(session: Session, caller: Annotated[Caller, requires("things:read", by=STAFF)]) -> None: ...

    undeclared_route, told_route, asked_route = router.routes
    with pytest.raises(UngatedRouteError, match="/open"):
        close(undeclared_route)
    close(told_route)
    close(asked_route)
    close(asked_route)
    assert told_route.app.requirement is None
    assert asked_route.app.requirement.scope == "things:read"
