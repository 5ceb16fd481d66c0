"""A person with a browser: signs in through the issuer, reads pages, and measures single requests.

A second console, between relays, has another port than the one that the issuer knows. The way back from the issuer is
therefore sent to the console that began the sign-in.
"""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Final
from urllib.parse import urlsplit

import httpx

_HIDDEN: Final = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
IDLE_SECONDS: Final = 3.0
_LANGUAGE: Final = {"Accept-Language": "es"}


@dataclass(frozen=True)
class Request:
    """A request that can be sent several times."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass
class Browser:
    """One session of one person at one console."""

    console_url: str
    http: httpx.AsyncClient

    @property
    def headers(self) -> dict[str, str]:
        """The headers of each of its requests."""
        return {**_LANGUAGE, "Cookie": "; ".join(f"{one.name}={one.value}" for one in self.http.cookies.jar)}

    async def sign_in(self, subject: str) -> None:
        """Choose a sample person on the issuer's page."""
        begun = await self.http.get(f"{self.console_url}/sign-in")
        shown = await self.http.get(begun.headers["location"])
        shown.raise_for_status()
        fields = [(unescape(name), unescape(value)) for name, value in _HIDDEN.findall(shown.text)]
        issuer = urlsplit(begun.headers["location"])
        form = {**dict(fields), "subject": subject}
        chosen = await self.http.post(f"{issuer.scheme}://{issuer.netloc}/authorize", data=form)
        back = urlsplit(chosen.headers["location"])
        arrived = await self.http.get(f"{self.console_url}{back.path}?{back.query}")
        if arrived.status_code != 303:
            raise RuntimeError(f"{subject} could not sign in: {arrived.status_code}")

    async def see(self, path: str) -> str:
        """A page, which must be there."""
        answer = await self.http.get(f"{self.console_url}{path}")
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}")
        return answer.text

    async def send(self, request: Request) -> None:
        """A request whose answer must be a page."""
        answer = await self.http.request(
            request.method, request.url, headers=dict(request.headers), content=request.body or None
        )
        if answer.status_code != 200:
            raise RuntimeError(f"{request.method} {urlsplit(request.url).path} answered {answer.status_code}")

    async def form_of(self, path: str, fields: Mapping[str, str]) -> dict[str, str]:
        """The fields of a form on this page, filled in."""
        hidden = dict(_HIDDEN.findall(await self.see(path)))
        return {**{unescape(name): unescape(value) for name, value in hidden.items()}, **fields}


def browser(console_url: str) -> Browser:
    """A browser without a session, which wants Spanish."""
    return Browser(console_url, httpx.AsyncClient(timeout=60, trust_env=False, headers=_LANGUAGE))


@dataclass
class Stopwatch:
    """Sends requests over kept connections, and measures each until its last byte.

    The standard library's client is used for both sides, because it adds less time of its own than other clients.
    """

    _connections: dict[tuple[str, int], http.client.HTTPConnection] = field(default_factory=dict)
    _used_at: dict[tuple[str, int], float] = field(default_factory=dict)

    def milliseconds(self, request: Request, line: int = 0) -> float:
        """The time from the first byte sent to the last byte read. `line`: which of several connections is used.

        The answer must be below 400; a 404 or 409 says that a part of the page does not exist.
        """
        parts = urlsplit(request.url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection = self._connection(parts.netloc, line)
        started = time.perf_counter()
        connection.request(request.method, target, body=request.body or None, headers=dict(request.headers))
        answer = connection.getresponse()
        answer.read()
        taken = 1000 * (time.perf_counter() - started)
        if answer.status >= 400 and answer.status not in (404, 409):
            raise RuntimeError(f"{request.method} {parts.path} answered {answer.status}")
        return taken

    def _connection(self, place: str, line: int) -> http.client.HTTPConnection:
        """An open connection; a new one after a pause, because the server may have closed the old one."""
        found, now = self._connections.get((place, line)), time.monotonic()
        if found is None or now - self._used_at[place, line] > IDLE_SECONDS:
            if found is not None:
                found.close()
            found = self._connections[place, line] = http.client.HTTPConnection(place, timeout=120)
            found.connect()
        self._used_at[place, line] = now
        return found

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            connection.close()
