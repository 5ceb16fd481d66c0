"""A client that asks again until it is told something definite, as a client of a system that breaks must.

What creates carries one Idempotency-Key through all its attempts. No answer, 429, any 5xx and a twin in flight are
nothing definite.
"""

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from tests.chaos.history import History

TIMEOUT_SECONDS = 10.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 3.0
TOKEN_SLACK_SECONDS = 60.0
IN_FLIGHT = "idempotency-in-flight"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client was told at last."""

    status: int
    code: str | None
    body: Any
    calls: int = 1
    """How often the request was sent."""

    @property
    def is_yes(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300


@dataclass
class Client:
    """One machine client with a token of its own."""

    http: httpx.AsyncClient
    client_id: str
    secret: str
    token_url: str
    history: History
    _token: str = ""
    _until: float = 0.0
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, method: str, url: str, *, body: Any = None, key: str | None = None) -> Answer:
        """The definite answer. Goes on until there is one, or until it is cancelled."""
        pause, headers = FIRST_PAUSE_SECONDS, {} if key is None else {"Idempotency-Key": key}
        calls = 0
        while True:
            calls += 1
            response = await self._attempt(method, url, body, headers)
            answer = None if response is None else _answer(response)
            if answer is not None and answer.status < 500 and answer.status != 429 and answer.code != IN_FLIGHT:
                return replace(answer, calls=calls)
            if answer is not None and answer.status == 500:
                self.history.surprises.append(f"{method} {httpx.URL(url).path}: 500")
            self.history.attempts_again += 1
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _attempt(self, method: str, url: str, body: Any, headers: dict[str, str]) -> httpx.Response | None:
        try:
            bearer = {"Authorization": f"Bearer {await self._bearer()}"}
            return await self.http.request(method, url, json=body, headers=bearer | headers, timeout=TIMEOUT_SECONDS)
        except httpx.HTTPError:
            return None

    async def _bearer(self) -> str:
        async with self._asking:
            if time.monotonic() > self._until:
                answer = await self.http.post(
                    self.token_url, data={"grant_type": "client_credentials"}, auth=(self.client_id, self.secret)
                )
                answer.raise_for_status()
                token = answer.json()
                self._token = token["access_token"]
                self._until = time.monotonic() + token["expires_in"] - TOKEN_SLACK_SECONDS
            return self._token


def _answer(response: httpx.Response) -> Answer:
    is_json = "json" in response.headers.get("content-type", "")
    body = response.json() if is_json and response.content else None
    code = body.get("code") if isinstance(body, dict) and response.is_error else None
    return Answer(response.status_code, code, body)
