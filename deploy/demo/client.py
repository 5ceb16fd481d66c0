"""A client of the public APIs with its own token, which repeats calls while a service restarts.

All attempts of one POST have the same Idempotency-Key, so that nothing is created twice if an answer is lost. A call is
repeated after a failed connection, after 429, 502, 503 or 504, while the same request is still being handled
(`idempotency-in-flight`), and after codes that the caller names.
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
"""How long one call is repeated. A killed service answers again long before this time has passed."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 1.0
TOKEN_SLACK_SECONDS: Final = 60.0
CONNECTIONS_MAX: Final = 24
"""As many as the demo uses at a time. More would only cost time, because the pool looks at each for every request."""
RETRY_STATUS: Final = frozenset({429, 502, 503, 504})
RETRY_CODES: Final = frozenset({"idempotency-in-flight"})


class CallError(Exception):
    """A call got an unexpected answer, or PATIENCE_SECONDS passed without one. The text contains no body."""

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
    """A machine client of the installation, which gets its token from the token issuer."""

    connections: Connections
    client_id: str
    secret: str
    token_url: str
    attempts_again: int = 0
    """How often calls were repeated; the demo shows it at the end."""
    _token: str = ""
    _until: float = 0.0
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, url: str, **query: Any) -> Any:
        """The JSON of the answer to a GET that must succeed."""
        return (await self.call("GET", url, query=query)).json()

    async def post(self, url: str, body: Any = None, *, again_on: frozenset[str] = frozenset()) -> Any:
        """The JSON of the answer to a POST that must succeed; None if the answer has no content."""
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
        """The answer to a call: any 2xx, or a status in `expect`. Raises CallError for every other answer.

        `again_on` are codes of temporary refusals, such as `packet-not-ready`; after them, the call is repeated.
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
        """One attempt; None if there was no answer."""
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
    """What the problem says about fields and rules. Problem details never repeat the data that were sent."""
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
