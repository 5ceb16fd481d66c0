"""Apps on real ports of 127.0.0.1: a service under test, and the token issuer that its callers use."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from deploy.local.audiences import SCOPES_OF
from deploy.local.issuer import create_issuer
from deploy.local.tokens import AccessTokens, Client, new_key
from libs.chassis.http_settings import HttpSettings
from libs.chassis.serving import Server, ServerConfig
from libs.waiting.pauses import is_set_within


class _Server(Server):
    """Ends at once. Uvicorn looks ten times a second whether it must end, and then waits for another tenth; there are
    more than a thousand tests with a server of their own."""

    def __init__(self, config: ServerConfig) -> None:
        super().__init__(config)
        self.ended = asyncio.Event()

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        """Leave signals to pytest."""
        return nullcontext()

    async def main_loop(self) -> None:
        counter = 0
        while not await self.on_tick(counter):
            counter += 1
            await is_set_within(self.ended, 0.1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
            return
        for server in self.servers:
            server.close()
        await self.lifespan.shutdown()


def bound_socket() -> socket.socket:
    """A socket at a free port of the loopback interface, for a server to listen on.

    asyncio sets TCP_NODELAY only where the socket names its protocol. Without it each answer of more than one piece
    waits 40 ms for the client's acknowledgement.
    """
    made = socket.socket(proto=socket.IPPROTO_TCP)
    made.bind(("127.0.0.1", 0))
    return made


def _server(app: Any) -> tuple[_Server, socket.socket]:
    listener = bound_socket()
    limits = getattr(getattr(app, "state", None), "settings", None) or HttpSettings()
    return _Server(ServerConfig(app, limits, host="127.0.0.1", port=0)), listener


@asynccontextmanager
async def running(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The app on a real port in this loop, started up and shut down by its lifespan; a client of its address."""
    server, listener = _server(app)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if serving.done():
                await serving
                raise RuntimeError("the app did not start; its log says why")
            await asyncio.sleep(0.01)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=address, timeout=30, verify=False) as client:
            yield client
    finally:
        server.should_exit = True
        server.ended.set()
        await asyncio.sleep(0)  # the server sees that the client's connections have ended
        if not serving.done():
            await serving
        listener.close()


EVERY_AUDIENCE = (*SCOPES_OF, "enlace-tests")
"""Tests of what a scope or a claim opens would else see the refusal of another audience first."""


@dataclass(frozen=True)
class _Person:
    subject: str

    def get_user_id(self) -> str:
        """The `sub` of the person's tokens, as Authlib asks for it."""
        return self.subject


class IssuerForTests:
    """A signing key of this test session, with its public half at `jwks_url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.jwks_url = f"{url}/jwks"
        self.tokens = AccessTokens(issuer=url, key=new_key())
        self.clients: dict[str, Client] = {}

    def token(
        self,
        scopes: str | Iterable[str] = (),
        *,
        organization_id: UUID | str | None = None,
        client_id: str = "test-client",
        audience: Iterable[str] = EVERY_AUDIENCE,
        desks: Iterable[str] = (),
        reception_places: Iterable[str] = (),
        staff: bool | None = None,
        service: str | None = None,
        roles: Iterable[str] = (),
        subject: str | None = None,
    ) -> str:
        """An access token with these scopes (a text of them, or several); `staff` as `client` has it.

        With `subject` it is the token of a person who signed in to the client; otherwise it is a program's.
        """
        granted = scopes.split() if isinstance(scopes, str) else list(scopes)
        client = self.client(
            granted,
            organization_id=organization_id,
            client_id=client_id,
            audience=audience,
            desks=desks,
            reception_places=reception_places,
            staff=staff,
            service=service,
            roles=roles,
        )
        grant, person = ("client_credentials", None) if subject is None else ("authorization_code", _Person(subject))
        scope = " ".join(granted)
        generate: Any = self.tokens.generate
        made = generate(grant, client, user=person, scope=scope, include_refresh_token=False)
        return str(made["access_token"])

    def client(
        self,
        scopes: Iterable[str],
        *,
        organization_id: UUID | str | None = None,
        client_id: str = "test-client",
        audience: Iterable[str] = EVERY_AUDIENCE,
        desks: Iterable[str] = (),
        reception_places: Iterable[str] = (),
        staff: bool | None = None,
        service: str | None = None,
        roles: Iterable[str] = (),
    ) -> Client:
        """A client that can ask `{url}/token` itself; its secret is `secret-of-<client_id>`.

        Its tokens are for every service unless `audience` says for which; an empty one leaves it to its scopes. Where
        `staff` isn't told, a client that names nobody else is of the network's staff.
        """
        organization = None if organization_id is None else UUID(str(organization_id))
        client = Client(
            client_id=client_id,
            secret=f"secret-of-{client_id}",
            organization_id=organization,
            scopes=frozenset(scopes),
            audience=tuple(audience),
            desks=tuple(desks),
            reception_places=tuple(reception_places),
            staff=not (organization or reception_places or service) if staff is None else staff,
            service=service,
            roles=tuple(roles),
        )
        self.clients[client_id] = client
        return client

    def headers(self, scopes: str | Iterable[str] = (), **claims: Any) -> dict[str, str]:
        """`token` as an Authorization header."""
        return {"Authorization": f"Bearer {self.token(scopes, **claims)}"}


@contextmanager
def issuer_for_tests() -> Iterator[IssuerForTests]:
    """The issuer over real HTTP, in a thread of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    issuer = IssuerForTests(f"http://127.0.0.1:{port}")
    app = create_issuer(issuer.tokens, issuer.clients.get)
    server = _Server(ServerConfig(app, HttpSettings(), host="127.0.0.1", port=port))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 120
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    try:
        yield issuer
    finally:
        server.should_exit = True
        thread.join(10)
