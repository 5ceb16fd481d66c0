"""The partners' webhook receivers: plain HTTP, every call verified, logged, and answered well or badly by a seeded die.

What a receiver has answered with 2xx it has received; the log is written before the answer leaves, so an answer that
a bad network loses is in it too.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from random import Random

import uvicorn
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.served import bound_socket

Heard = Callable[[str, str, dict[str, str]], None]
"""Told the organisation's slug, the type and the `data` of what a receiver has taken."""
FAIL_SHARE = 0.03


@dataclass(frozen=True, slots=True)
class Received:
    """One call of a webhook and how it was answered."""

    slug: str
    webhook_id: str
    type: str
    status: int


class Receivers:
    """The webhook endpoints of many organisations on one port: `/hooks/<slug>`, each with its own secret."""

    def __init__(self, random: Random) -> None:
        self.heard: Heard = lambda slug, kind, data: None
        self.log: list[Received] = []
        self.refused_count = 0
        self.port = 0
        self.fail_share = FAIL_SHARE
        self._random = random
        self._secrets: dict[str, Webhook] = {}

    def expect(self, slug: str, secret: str) -> None:
        """Verify what comes for this organisation with this secret (`whsec_...`)."""
        self._secrets[slug] = Webhook(secret)

    async def receive(self, request: Request) -> Response:
        """204, or now and then 500; 401 for what is not signed rightly."""
        slug = request.path_params["slug"]
        try:
            message = self._secrets[slug].verify(await request.body(), dict(request.headers))
        except (KeyError, WebhookVerificationError):
            self.refused_count += 1
            return Response(status_code=401)
        status = 500 if self._random.random() < self.fail_share else 204
        self.log.append(Received(slug, request.headers["webhook-id"], message["type"], status))
        if status == 204:
            self.heard(slug, message["type"], message["data"])
        return Response(status_code=status)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the run, not to its receivers."""
        yield


@asynccontextmanager
async def receiving(random: Random) -> AsyncIterator[Receivers]:
    """Receivers on a free port of the loopback interface while the block runs."""
    receivers = Receivers(random)
    app = Starlette(routes=[Route("/hooks/{slug}", receivers.receive, methods=["POST"])])
    with bound_socket() as listener:
        listener.listen(256)
        receivers.port = listener.getsockname()[1]
        config = uvicorn.Config(
            app, log_level="critical", access_log=False, lifespan="off", timeout_graceful_shutdown=2
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield receivers
        finally:
            server.should_exit = True
            await serving
