"""Relays between a console and the services that record each request: which calls a page makes, and how many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import uvicorn

from bench.measuring import until
from deploy.local.processes import free_port

WORDS: Final = ("REGISTRATION", "DIRECTORY", "REFERRAL", "NOTIFICATIONS")
_KEPT_HEADERS: Final = frozenset({"authorization", "content-type", "accept", "if-match"})
_OF_CONNECTION: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date"})


@dataclass(frozen=True)
class Asked:
    """One request to a service, complete, so that it can be sent again."""

    service: str
    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass
class Heard:
    """What passed through the relays since the last `take`."""

    _asked: list[Asked] = field(default_factory=list)

    def add(self, asked: Asked) -> None:
        """Record one more."""
        self._asked.append(asked)

    def take(self) -> list[Asked]:
        """All recorded requests; they are forgotten."""
        taken, self._asked = self._asked, []
        return taken


@asynccontextmanager
async def relays(environment: Mapping[str, str]) -> AsyncIterator[tuple[dict[str, str], Heard]]:
    """A relay for each service while the block runs: their addresses by variable, and what they record."""
    heard, urls = Heard(), {}
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=60, trust_env=False))
        for word in WORDS:
            variable = f"ENLACE_{word}_URL"
            urls[variable] = await stack.enter_async_context(served(_app(word, environment[variable], http, heard)))
        yield urls, heard


def _app(word: str, url: str, http: httpx.AsyncClient, heard: Heard) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = scope["query_string"].decode()
        target = scope["raw_path"].decode() + (f"?{query}" if query else "")
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        kept = {name: value for name, value in headers.items() if name in _KEPT_HEADERS}
        heard.add(Asked(word, scope["method"], target, kept, body))
        sent = {name: value for name, value in headers.items() if name not in _OF_CONNECTION}
        answer = await http.request(scope["method"], f"{url}{target}", headers=sent, content=body)
        told = [
            (name.lower().encode(), value.encode())
            for name, value in answer.headers.items()
            if name.lower() not in {*_OF_CONNECTION, "content-encoding"}
        ]
        length = (b"content-length", str(len(answer.content)).encode())
        await send({"type": "http.response.start", "status": answer.status_code, "headers": [*told, length]})
        await send({"type": "http.response.body", "body": answer.content})

    return app


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """Serves an application on a free port of this machine."""
    port = free_port()
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off", timeout_keep_alive=75)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())

    async def up() -> bool:
        return server.started

    try:
        await until(up, what="a relay to be served", within_s=30, every_s=0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task
