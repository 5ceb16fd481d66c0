"""Calls of the four services' public APIs, with the token of the person who is signed in.

A page makes its calls side by side (`together`). A service that is away is a part of the page that says so.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

import httpx
from opentelemetry.propagate import inject

from libs.chassis.http_client import Transport
from libs.chassis.logs import get_logger
from services.console.answers import Json, Part
from services.console.errors import FieldFault, Problem, Refused, ServiceAway, SignedOut
from services.console.settings import ConsoleSettings

T = TypeVar("T")
log = get_logger(__name__, fields=("service",))

_TWIN_TRIES: Final = 10
_TWIN_PAUSE_SECONDS: Final = 0.3
_PAGE_ROWS: Final = 200
_FILE_NAME: Final = re.compile(r'filename="([A-Za-z0-9._-]{1,200})"')
"""A name that cannot leave its header or its folder."""


class Service(StrEnum):
    """A service as the settings name it."""

    REGISTRATION = "registration"
    DIRECTORY = "provider_directory"
    REFERRAL = "referral"
    NOTIFICATIONS = "notifications"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with a status below 400."""

    status: int
    body: Any
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A file of a service, and its name."""

    name: str
    content: bytes


GiveToken = Callable[[], Awaitable[str]]
"""Gives a valid access token; raises SignedOut if the session has ended."""


class Calls:
    """The calls of one person."""

    def __init__(
        self, http: httpx.AsyncClient, urls: Mapping[str, str], token: GiveToken, *, language: str = "en"
    ) -> None:
        self._http = http
        self._language = language
        self._urls = urls
        self._token = token

    async def get(self, service: Service, path: str, **query: Any) -> Answer:
        """A resource. None values of the query are left out. Raises ServiceAway, Refused or SignedOut."""
        asked = {name: value for name, value in query.items() if value not in (None, "", [])}
        return await self._call("GET", service, path, params=asked)

    async def rows(self, service: Service, path: str, *, most: int = 1000, **query: Any) -> list[Json]:
        """The rows of a list, page after page, at most `most`."""
        rows: list[Json] = []
        after: str | None = None
        while True:
            page = (await self.get(service, path, limit=min(_PAGE_ROWS, most), after=after, **query)).body
            rows += page["items"]
            after = page["next"]
            if after is None or len(rows) >= most:
                return rows[:most]

    async def file(self, service: Service, path: str) -> File:
        """A file. Raises ServiceAway, Refused or SignedOut."""
        answer = await self._answer("GET", service, path)
        _refuse(service, answer)
        named = _FILE_NAME.search(answer.headers.get("content-disposition", ""))
        return File(named[1] if named else "file", answer.content)

    async def send(
        self,
        method: str,
        service: Service,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        etag: str | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Answer:
        """A change. `key` makes a repetition harmless; while its twin is in flight, this call waits for its result."""
        headers = {} if key is None else {"Idempotency-Key": key}
        headers |= {} if etag is None else {"If-Match": etag}
        for _ in range(_TWIN_TRIES):
            try:
                return await self._call(method, service, path, json=body, headers=headers, params=query)
            except Refused as refused:
                if refused.problem.code != "idempotency-in-flight":
                    raise
                await asyncio.sleep(_TWIN_PAUSE_SECONDS)
        raise ServiceAway(service)

    async def _call(
        self,
        method: str,
        service: Service,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        return _read(service, await self._answer(method, service, path, params=params, json=json, headers=headers))

    async def _answer(
        self,
        method: str,
        service: Service,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        sent = {**(headers or {}), "Authorization": f"Bearer {await self._token()}", "Accept-Language": self._language}
        inject(sent)
        try:
            return await self._http.request(
                method, f"{self._urls[service]}{path}", params=params, json=json, headers=sent
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("service.away", error=error, service=service)
            raise ServiceAway(service) from None


def _read(service: Service, answer: httpx.Response) -> Answer:
    _refuse(service, answer)
    body = answer.json() if answer.content else None
    return Answer(answer.status_code, body, answer.headers.get("etag"))


def _refuse(service: Service, answer: httpx.Response) -> None:
    """Raise SignedOut, ServiceAway or Refused unless the call succeeded."""
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise SignedOut
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        log.warning("service.unable", service=service, status=answer.status_code)
        raise ServiceAway(service)
    if not answer.is_success:
        raise Refused(_problem(service, answer))


def _problem(service: Service, answer: httpx.Response) -> Problem:
    try:
        told = answer.json()
        faults = [FieldFault(one["pointer"], one["rule"], one["detail"]) for one in told.get("errors", [])]
        known = {"type", "title", "status", "code", "detail", "errors", "trace_id"}
        members = {name: value for name, value in told.items() if name not in known}
        return Problem(service, answer.status_code, told["code"], told["detail"], faults, members)
    except (ValueError, KeyError, TypeError, AttributeError):
        # Something between the console and the service has answered.
        log.warning("service.strange_answer", service=service, status=answer.status_code)
        raise ServiceAway(service) from None


async def part(call: Awaitable[T]) -> Part[T]:
    """The result of a call as a part of a page. A session that has ended is not a part: SignedOut is raised."""
    try:
        return Part(value=await call)
    except ServiceAway as away:
        return Part(away=away.service)
    except Refused as refused:
        return Part(problem=refused.problem)


async def together(**calls: Awaitable[Any]) -> dict[str, Part[Any]]:
    """The results of calls that are made side by side, by name."""
    parts = await asyncio.gather(*map(part, calls.values()), return_exceptions=True)
    for one in parts:
        if isinstance(one, BaseException):
            raise one
    return dict(zip(calls, (one for one in parts if isinstance(one, Part)), strict=True))


@asynccontextmanager
async def http_client(settings: ConsoleSettings) -> AsyncIterator[httpx.AsyncClient]:
    """The console's HTTP client: it follows no redirect, keeps no cookie and uses no proxy of the environment."""
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=50, keepalive_expiry=30)
    transport = Transport(limits=limits, trust_env=False)
    timeout = httpx.Timeout(settings.answer_seconds, connect=min(2.0, settings.answer_seconds))
    async with httpx.AsyncClient(transport=transport, timeout=timeout, follow_redirects=False) as client:
        yield client
