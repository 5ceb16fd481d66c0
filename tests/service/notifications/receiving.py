"""A receiver as a partner would write it: real HTTP, signatures checked by the standard's own library."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.served import running

Behaviour = Callable[["Webhooks"], Awaitable[Response]]
DEADLINE_SECONDS = 120.0


@dataclass(frozen=True)
class Call:
    """One request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        return content

    def verified_by(self, secret: str) -> Any:
        """The content, if the signature is right; else the library's error."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Webhooks:
    """What a receiver has got, and how it answers."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    behaviour: Behaviour | None = None
    open_now: int = 0
    open_most: int = 0
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self) -> Response:
        """As the behaviour says; 503 at the end of the test."""
        if self.behaviour is None:
            return Response(status_code=204)
        answering, closing = asyncio.ensure_future(self.behaviour(self)), asyncio.ensure_future(self.closing.wait())
        await asyncio.wait({answering, closing}, return_when=asyncio.FIRST_COMPLETED)
        closing.cancel()
        if answering.done():
            return answering.result()
        answering.cancel()
        return Response(status_code=503)

    async def wait_for(self, count: int, *, seconds: float = DEADLINE_SECONDS) -> list[Call]:
        """The calls, once there are `count` of them."""
        async with asyncio.timeout(seconds):
            while len(self.calls) < count:  # noqa: ASYNC110 (simple, with a deadline)
                await asyncio.sleep(0.01)
        return self.calls


@asynccontextmanager
async def receiver() -> AsyncIterator[Webhooks]:
    """A running receiver; without a behaviour it answers 204."""
    webhooks = Webhooks()

    async def receive(request: Request) -> Response:
        webhooks.calls.append(Call(request.url.path, dict(request.headers), await request.body()))
        webhooks.open_now += 1
        webhooks.open_most = max(webhooks.open_most, webhooks.open_now)
        try:
            return await webhooks.answer()
        finally:
            webhooks.open_now -= 1

    app = Starlette(routes=[Route("/{path:path}", receive, methods=["POST", "GET"])])
    async with running(app) as client:
        webhooks.url = str(httpx.URL(client.base_url))
        try:
            yield webhooks
        finally:
            webhooks.closing.set()  # a test that failed left its gate shut


def answering(status: int, headers: dict[str, str] | None = None, *, text: str = "") -> Behaviour:
    """Always this answer."""

    async def behave(_: Webhooks) -> Response:
        return PlainTextResponse(text, status, headers)

    return behave


def answering_in_turn(*statuses: int) -> Behaviour:
    """These answers one after the other, the last one for ever."""

    async def behave(webhooks: Webhooks) -> Response:
        return Response(status_code=statuses[min(len(webhooks.calls), len(statuses)) - 1])

    return behave


def answering_after(gate: asyncio.Event, status: int = 204) -> Behaviour:
    """This answer once the gate is open."""

    async def behave(_: Webhooks) -> Response:
        await gate.wait()
        return Response(status_code=status)

    return behave
