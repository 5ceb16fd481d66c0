"""The console as a browser meets it, over HTTP, with stand-ins for the four services.

A stand-in answers what a test has told it to, and only what the API document of the real service allows: answers and
requests are checked against the document, so that a page cannot be built for an API that does not exist. Tests with the
real services and a real browser are in `tests/console/browser`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from services.console.app import create_app
from services.console.sessions import Rights, Tokens
from services.console.settings import ConsoleSettings
from tests.contract.apis import SETTINGS

PACK = Path(__file__).resolve().parents[2] / "deploy" / "packs" / "guatemala"
URL = "http://127.0.0.1:9"


@cache
def document_of(service: str) -> dict[str, Any]:
    """The API document of a service, as the service itself gives it."""
    from libs.chassis.settings import Role

    name, own = SETTINGS[service]
    if service == "registration":
        own = {**own, "keys_database_url": "postgresql://nobody@127.0.0.1:1/keys"}
    settings = getattr(import_module(f"services.{service}.settings"), name)(
        database_url="postgresql://nobody@127.0.0.1:1/none",
        kafka_bootstrap_servers="127.0.0.1:1",
        kafka_plaintext_allowed="loopback",
        token_issuer="https://issuer.example",
        token_jwks_url="https://issuer.example/jwks",
        fingerprint_key="a-key-for-tests-alone",
        role=Role.API,
        **own,
    )
    return import_module(f"services.{service}.app").create_app(settings).openapi()


@dataclass
class Asked:
    """One request that the console has made."""

    service: str
    method: str
    path: str
    query: dict[str, list[str]]
    body: Any
    headers: Mapping[str, str]


Told = Any | Callable[[Asked], Any]


@dataclass
class StandIns(httpx.AsyncBaseTransport):
    """The four services. `told` has the answers by method and path; a path that nobody has told answers 404."""

    told: dict[tuple[str, str, str], tuple[int, Told]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    away: set[str] = field(default_factory=set)

    def tell(self, service: str, path: str, answer: Told, *, method: str = "GET", status: int = 200) -> None:
        """Answer this path with JSON, or with what a function makes of the request."""
        self.told[(service, method, path)] = (status, answer)

    def refuse(
        self, service: str, path: str, code: str, *, method: str = "POST", status: int = 409, **more: Any
    ) -> None:
        """Answer this path with a problem document."""
        problem = {"type": f"urn:enlace:problem:{code}", "title": code, "status": status, "code": code, "detail": code}
        self.told[(service, method, path)] = (status, {**problem, "errors": [], "trace_id": None, **more})

    def sent(self, method: str, path: str) -> list[Asked]:
        """The requests to a path."""
        return [one for one in self.asked if (one.method, one.path) == (method, path)]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        service = request.url.host.removesuffix(".test")
        if service in self.away:
            raise httpx.ConnectError("away", request=request)
        body = json.loads(request.content) if request.content else None
        query = parse_qs(request.url.query.decode())
        asked = Asked(service, request.method, request.url.path, query, body, dict(request.headers))
        self.asked.append(asked)
        operation = _operation(service, asked)
        _check_request(service, operation, asked)
        status, told = self.told.get((service, asked.method, asked.path), (404, None))
        answer = told(asked) if callable(told) else told
        if isinstance(answer, httpx.Response):
            return answer
        if status == 404 and answer is None:
            answer = {"type": "x", "title": "x", "status": 404, "code": "not-found", "detail": "x", "errors": []}
        if status < 400:
            _check_answer(service, operation, status, answer)
        etag = {"etag": f'"{answer["version"]}"'} if isinstance(answer, dict) and "version" in answer else {}
        return httpx.Response(status, json=answer, headers=etag)


def _operation(service: str, asked: Asked) -> dict[str, Any]:
    for path, operations in document_of(service)["paths"].items():
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", path)
        if re.fullmatch(pattern, asked.path) and asked.method.lower() in operations:
            found: dict[str, Any] = operations[asked.method.lower()]
            if "{" not in path or path.count("/") == asked.path.count("/"):
                return found
    raise AssertionError(f"{service} has no {asked.method} {asked.path}")


def _check_request(service: str, operation: dict[str, Any], asked: Asked) -> None:
    known = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
    assert set(asked.query) <= known, f"{asked.path} has no parameter {set(asked.query) - known}"
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content and asked.body is not None:
        _validate(service, content["schema"], asked.body, f"{asked.method} {asked.path}")


def _check_answer(service: str, operation: dict[str, Any], status: int, answer: Any) -> None:
    declared = operation["responses"].get(str(status), {}).get("content", {}).get("application/json")
    if declared:
        _validate(service, declared["schema"], answer, f"the answer of {operation['operationId']}")


def _validate(service: str, schema: dict[str, Any], value: Any, what: str) -> None:
    document = document_of(service)
    whole = {**schema, "components": document["components"]}
    faults = [f"{'/'.join(map(str, e.path))}: {e.message}" for e in Draft202012Validator(whole).iter_errors(value)]
    assert not faults, f"{what}: {faults[:5]}"


@dataclass
class World:
    """The console and its stand-ins."""

    app: FastAPI
    services: StandIns

    def client(
        self,
        *scopes: str,
        organization_id: str | None = None,
        desks: tuple[str, ...] = (),
        reception_places: tuple[str, ...] = (),
        staff: bool = False,
        language: str = "en",
        name: str = "Test Person",
    ) -> Browser:
        """A browser in which a person with these rights is signed in."""
        rights = Rights(frozenset(scopes), organization_id, desks, reception_places, staff)
        tokens = Tokens("an-access-token", time.time() + 3600, "a-refresh-token", "an-id-token")
        console = self.app.state.console
        cookie, session = console.sessions.start(subject="test-person", name=name, rights=rights, tokens=tokens)
        http = self.anonymous(language=language)
        http.cookies.set(console.session_cookie, cookie, domain="127.0.0.1")
        return Browser(http, session.csrf)

    def anonymous(self, *, language: str = "en") -> httpx.AsyncClient:
        """A browser in which nobody is signed in."""
        transport = httpx.ASGITransport(app=self.app)
        return httpx.AsyncClient(transport=transport, base_url=URL, headers={"accept-language": language})


@dataclass
class Browser:
    """A browser without scripts in which a person is signed in."""

    http: httpx.AsyncClient
    csrf: str

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """A page."""
        return await self.http.get(path, headers=headers)

    async def post(self, path: str, **fields: Any) -> httpx.Response:
        """Send a form. `form_key` may be given to repeat one."""
        return await self.http.post(path, data={"csrf": self.csrf, **fields})


@asynccontextmanager
async def console_world(**settings: Any) -> AsyncIterator[World]:
    """The console with stand-ins that know nothing yet."""
    services = StandIns()
    app = create_app(
        ConsoleSettings(
            console_url=URL,
            registration_url="http://registration.test",
            directory_url="http://provider_directory.test",
            referral_url="http://referral.test",
            notifications_url="http://notifications.test",
            token_issuer="http://127.0.0.1:1",
            client_secret="a-secret-for-tests",  # pragma: allowlist secret
            pack=PACK,
            **settings,
        )
    )
    async with LifespanManager(app), httpx.AsyncClient(transport=services) as http:
        console = app.state.console
        object.__setattr__(console, "http", http)
        yield World(app, services)
