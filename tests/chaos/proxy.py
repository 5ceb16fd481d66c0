"""A TCP proxy that can be made a bad network: cut, slow, stalled or half open, and back to normal.

    async with Proxy.to(5432) as proxy:
        connect("127.0.0.1", proxy.port)
        proxy.cut()       # connections are reset, new ones too
        proxy.delay(0.2)  # every piece comes 0.2 s later
        proxy.stall()     # nothing comes through, and nothing is lost: it comes when healed
        proxy.half_open() # new connections are taken, nothing is ever delivered; reset when healed
        proxy.heal()

Everything happens in the event loop that started it. The target may be away: a connection to it is then reset. Built
on transports, without a task per direction: whole systems talk through it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from tests.chaos.links import Link, Mode

HOST = "127.0.0.1"
CONNECT_SECONDS = 10.0


class Proxy:
    """Listens on a port of the loopback interface and passes everything on to another one."""

    def __init__(self, target_port: int, *, target_host: str = HOST) -> None:
        self.target_port = target_port
        self._target_host = target_host
        self.port = 0
        self.mode = Mode.NORMAL
        self.delay_s = 0.0
        self.links: set[Link] = set()
        self.connections_made = 0
        """How many clients have connected so far."""
        self._waiting: list[Link] = []
        """Clients that came while nothing comes through; their target is called when it does."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @classmethod
    @asynccontextmanager
    async def to(cls, target_port: int, *, target_host: str = HOST, port: int = 0) -> AsyncIterator[Self]:
        """A proxy that listens while the block runs."""
        proxy = cls(target_port, target_host=target_host)
        await proxy.start(port)
        try:
            yield proxy
        finally:
            await proxy.stop()

    @property
    def address(self) -> str:
        """Where clients connect, as `host:port`."""
        return f"{HOST}:{self.port}"

    async def start(self, port: int = 0) -> None:
        """Listen; 0: on any free port, which is then in `port`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Link(self).client, HOST, port, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every connection and the port. Returns when nothing is left."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self.reset_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.reset_all()
        if server is not None:
            await server.wait_closed()

    def reset_all(self) -> None:
        """Reset every connection there is; new ones are treated as the mode says."""
        for link in list(self.links):
            link.reset()

    def cut(self) -> None:
        """Reset every connection and every new one, until healed."""
        self.mode = Mode.CUT
        self.reset_all()

    def delay(self, seconds: float) -> None:
        """Pass every piece on this much later, in both directions, until healed."""
        self.delay_s = seconds
        self._enter(Mode.DELAY)

    def stall(self) -> None:
        """Pass nothing on, until healed; then all of it, as after a route was lost and found again."""
        self._enter(Mode.STALL)

    def half_open(self) -> None:
        """Keep connections, take new ones, deliver nothing and tell nobody; what is open then is reset when healed."""
        self._enter(Mode.HALF_OPEN)
        for link in self.links:
            link.is_dead = True

    def heal(self) -> None:
        """Be a good network again."""
        self._enter(Mode.NORMAL)
        for link in [link for link in self.links if link.is_dead]:
            link.reset()

    def intercepts(self, link: Link, data: bytes, *, from_client: bool) -> bool:
        """Whether a piece is kept from going on: never here. Who breaks one in particular overrides this."""
        return False

    def taken(self, link: Link) -> None:
        """A client has connected."""
        self.connections_made += 1
        self.links.add(link)
        if self.mode is Mode.CUT or self._server is None:
            link.reset()
        elif link.flows:
            self._call_target(link)
        else:
            link.is_dead = self.mode is Mode.HALF_OPEN
            self._waiting.append(link)

    def _enter(self, mode: Mode) -> None:
        self.mode = mode
        waiting, self._waiting = self._waiting, []
        for link in list(self.links):
            if link not in waiting:
                link.release()
        for link in waiting:
            if link.flows and link in self.links:
                self._call_target(link)
            else:
                self._waiting.append(link)

    def _call_target(self, link: Link) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(link))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, link: Link) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                loop = asyncio.get_running_loop()
                await loop.create_connection(lambda: link.target, self._target_host, self.target_port)
        except (OSError, TimeoutError):
            link.reset()
        else:
            if link not in self.links:
                link.reset()
