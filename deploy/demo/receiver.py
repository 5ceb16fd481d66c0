"""A partner's webhook receiver over plain HTTP. The standardwebhooks library verifies every call before it is read."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Heard = Callable[[str, dict[str, str]], None]
"""Called with the organisation's slug and the `data` of an offer, with the time when it was made (`made_at`)."""
OFFER_MADE = "offer.made.v1"


class Receiver:
    """The webhook endpoints of many organisations on one port: `/hooks/<slug>`, each with its own secret."""

    def __init__(self, heard: Heard, *, host: str) -> None:
        self._heard, self._host = heard, host
        self._secrets: dict[str, Webhook] = {}
        self.port = 0
        self.verified_count = 0
        self.refused_count = 0

    def expect(self, slug: str, secret: str) -> None:
        """Use this secret (`whsec_...`) to verify the calls for this organisation."""
        self._secrets[slug] = Webhook(secret)

    def url(self, slug: str) -> str:
        """The address at which this organisation receives webhooks."""
        return f"http://{self._host}:{self.port}/hooks/{slug}"

    async def receive(self, request: Request) -> Response:
        """Answer 204 at once and act later, as a good receiver does; answer 401 if the signature is wrong."""
        slug = request.path_params["slug"]
        webhook = self._secrets.get(slug)
        try:
            if webhook is None:
                raise WebhookVerificationError("no such receiver")
            message = webhook.verify(await request.body(), dict(request.headers))
        except WebhookVerificationError:
            self.refused_count += 1
            return Response(status_code=401)
        self.verified_count += 1
        if message["type"] == OFFER_MADE:
            self._heard(slug, {**message["data"], "made_at": message["timestamp"]})
        return Response(status_code=204)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers, because the demo handles the signals."""
        yield


@asynccontextmanager
async def receiving(
    heard: Heard, *, listens: str = "127.0.0.1", port: int = 0, host: str = "127.0.0.1"
) -> AsyncIterator[Receiver]:
    """Runs a receiver while the block runs: on a free port of the loopback interface, or on the given address and port.

    `host` is the host name or address that senders use.
    """
    receiver = Receiver(heard, host=host)
    app = Starlette(routes=[Route("/hooks/{slug}", receiver.receive, methods=["POST"])])
    # asyncio sends small answers without delay only if the socket names its protocol.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((listens, port))
        listener.listen(256)
        receiver.port = listener.getsockname()[1]
        server = _Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield receiver
        finally:
            server.should_exit = True
            await serving
