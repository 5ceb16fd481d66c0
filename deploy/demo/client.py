"""One caller of the public APIs: a token of its own, and patience with services that restart.

A call that creates carries one Idempotency-Key through all its attempts, so that a lost answer never makes two of
anything. Worth another attempt are: no connection, 429, 502, 503, a twin in flight, and codes that the caller names.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

import httpx

PATIENCE_SECONDS: Final = 90.0
"""How long one call goes on trying; a killed service is back long before."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 1.0
TOKEN_SLACK_SECONDS: Final = 60.0
CONNECTIONS_MAX: Final = 24
"""More than the demo has in hand at a time helps nobody: the pool looks at each of them for each request."""
RETRY_STATUS: Final = frozenset({429, 502, 503, 504})
RETRY_CODES: Final = frozenset({"idempotency-in-flight"})


class CallError(Exception):
    """A call ended with an answer that its caller did not expect, or its patience ran out. No body in the text."""

    def __init__(self, method: str, path: str, *, status: int | None, code: str | None, detail: str = "") -> None:
        super().__init__(f"{method} {path}: {status or 'no answer'} {code or ''} {detail}".rstrip())
        self.status = status
        self.code = code


class Connections:
    """The HTTP connections that all callers of one run share."""

    def __init__(self) -> None:
        limits = httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX)
        self.http = httpx.AsyncClient(timeout=30, limits=limits, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()


@dataclass
class Caller:
    """A machine client of the installation, as the token issuer knows it."""

    connections: Connections
    client_id: str
    secret: str
    token_url: str
    attempts_again: int = 0
    """How often a call had to be tried again; shown at the end."""
    _token: str = ""
    _until: float = 0.0
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, url: str, **query: Any) -> Any:
        """The JSON of a GET that must succeed."""
        return (await self.call("GET", url, query=query)).json()

    async def post(self, url: str, body: Any = None, *, again_on: frozenset[str] = frozenset()) -> Any:
        """The JSON of a POST that must succeed; None where the answer has no content."""
        response = await self.call("POST", url, body=body, again_on=again_on)
        return response.json() if response.content else None

    async def call(
        self,
        method: str,
        url: str,
        *,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        expect: frozenset[int] = frozenset(),
        again_on: frozenset[str] = frozenset(),
    ) -> httpx.Response:
        """The answer of a call: any 2xx or one of `expect`; raises CallError for the others.

        `again_on` are codes of refusals that pass with time, such as `packet-not-ready`.
        """
        once = {"Idempotency-Key": str(uuid4())} if method == "POST" else {}
        until, pause = time.monotonic() + PATIENCE_SECONDS, FIRST_PAUSE_SECONDS
        while True:
            response = await self._attempt(method, url, body, query, {**once, **(headers or {})})
            if response is not None and (response.is_success or response.status_code in expect):
                return response
            code = _code(response)
            if not _passes(response, code, RETRY_CODES | again_on) or time.monotonic() > until:
                raise _unexpected(method, url, response)
            self.attempts_again += 1
            await asyncio.sleep(max(pause, _asked_to_wait(response)))
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _attempt(
        self, method: str, url: str, body: Any, query: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> httpx.Response | None:
        """One attempt; None where nobody answered."""
        try:
            bearer = {"Authorization": f"Bearer {await self._bearer()}"}
            return await self.connections.http.request(
                method, url, json=body, params=query or None, headers={**bearer, **headers}
            )
        except httpx.TransportError:
            return None

    async def _bearer(self) -> str:
        async with self._asking:
            if time.monotonic() > self._until:
                answer = await self.connections.http.post(
                    self.token_url, data={"grant_type": "client_credentials"}, auth=(self.client_id, self.secret)
                )
                answer.raise_for_status()
                token = answer.json()
                self._token = token["access_token"]
                self._until = time.monotonic() + token["expires_in"] - TOKEN_SLACK_SECONDS
            return self._token


def _unexpected(method: str, url: str, response: httpx.Response | None) -> CallError:
    status = response.status_code if response is not None else None
    return CallError(method, httpx.URL(url).path, status=status, code=_code(response), detail=_detail(response))


def _passes(response: httpx.Response | None, code: str | None, codes: frozenset[str]) -> bool:
    return response is None or response.status_code in RETRY_STATUS or code in codes


def _code(response: httpx.Response | None) -> str | None:
    if response is None or "json" not in response.headers.get("content-type", ""):
        return None
    problem = response.json()
    return problem.get("code") if isinstance(problem, dict) else None


def _detail(response: httpx.Response | None) -> str:
    """What the problem says of fields and rules; problem details never repeat what was sent."""
    if response is None or "json" not in response.headers.get("content-type", ""):
        return ""
    problem = response.json()
    if not isinstance(problem, dict):
        return ""
    errors = [f"{error.get('pointer')}: {error.get('rule')}" for error in problem.get("errors") or []]
    return " ".join([str(problem.get("detail") or ""), *errors]).strip()


def _asked_to_wait(response: httpx.Response | None) -> float:
    value = response.headers.get("retry-after", "") if response is not None else ""
    return min(float(value), LONGEST_PAUSE_SECONDS) if value.isdigit() else 0.0
