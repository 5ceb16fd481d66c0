"""A TCP proxy that can be made a bad network: cut, slow, stalled or half open, and back to normal.

    async with Proxy.to(5432) as proxy:
        connect("127.0.0.1", proxy.port)
        proxy.cut()      # connections are reset, new ones too
        proxy.delay(0.2) # every piece comes 0.2 s later
        proxy.stall()    # nothing comes through, and nothing is lost: it comes when healed
        proxy.half_open()# new connections are taken, nothing is ever delivered; reset when healed
        proxy.heal()

Everything happens in the event loop that started it. The target may be away: a connection to it is then reset.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

CHUNK_BYTES = 64 * 1024
HOST = "127.0.0.1"
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


class Mode(StrEnum):
    """What the network is like."""

    NORMAL = "normal"
    CUT = "cut"
    DELAY = "delay"
    STALL = "stall"
    HALF_OPEN = "half-open"


@dataclass(eq=False)
class _Link:
    """One client's connection, with the one to the target once it stands."""

    client: asyncio.StreamWriter
    target: asyncio.StreamWriter | None = None
    is_dead: bool = False
    """It was open while the network was half open: nothing will ever come through again."""

    def reset(self) -> None:
        for writer in (self.client, self.target):
            if writer is not None:
                _reset(writer)


class Proxy:
    """Listens on a port of the loopback interface and passes everything on to another one."""

    def __init__(self, target_port: int, *, target_host: str = HOST) -> None:
        self.target_port = target_port
        self._target_host = target_host
        self.port = 0
        self.mode = Mode.NORMAL
        self.connections_made = 0
        """How many clients have connected so far."""
        self._delay_s = 0.0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._links: set[_Link] = set()
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
        self._server = await asyncio.start_server(self._take, HOST, port, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every connection and the port. Returns when nothing is left."""
        if self._server is not None:
            self._server.close()
        self.reset_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    def reset_all(self) -> None:
        """Reset every connection there is; new ones are treated as the mode says."""
        for link in list(self._links):
            link.reset()

    def cut(self) -> None:
        """Reset every connection and every new one, until healed."""
        self._enter(Mode.CUT)
        self.reset_all()

    def delay(self, seconds: float) -> None:
        """Pass every piece on this much later, in both directions, until healed."""
        self._delay_s = seconds
        self._enter(Mode.DELAY)

    def stall(self) -> None:
        """Pass nothing on, until healed; then all of it, as after a route was lost and found again."""
        self._enter(Mode.STALL)

    def half_open(self) -> None:
        """Keep connections, take new ones, deliver nothing and tell nobody; what is open then is reset when healed."""
        self._enter(Mode.HALF_OPEN)
        for link in self._links:
            link.is_dead = True

    def heal(self) -> None:
        """Be a good network again."""
        self._enter(Mode.NORMAL)
        for link in [link for link in self._links if link.is_dead]:
            link.reset()

    def _enter(self, mode: Mode) -> None:
        self.mode = mode
        if mode in (Mode.STALL, Mode.HALF_OPEN):
            self._flowing.clear()
        else:
            self._flowing.set()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections_made += 1
        link = _Link(writer, is_dead=self.mode is Mode.HALF_OPEN)
        self._links.add(link)
        try:
            await self._serve(link, reader)
        except OSError:
            pass  # a reset, by this proxy or by either end
        finally:
            link.reset()
            self._links.discard(link)
            self._tasks.discard(task)

    async def _serve(self, link: _Link, reader: asyncio.StreamReader) -> None:
        await self._flowing.wait()
        if self.mode is Mode.CUT or link.is_dead:
            return
        from_target, link.target = await asyncio.open_connection(self._target_host, self.target_port)
        for writer in (link.client, link.target):
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pass_on(link, reader, link.target))
            group.create_task(self._pass_on(link, from_target, link.client))

    async def _pass_on(self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction, until its end; a reset resets the other direction too."""
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                if self.mode is Mode.DELAY:
                    await asyncio.sleep(self._delay_s)
                await self._flowing.wait()
                writer.write(chunk)
                await writer.drain()
            await self._flowing.wait()
            writer.write_eof()
        except OSError:
            link.reset()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection so that the other side is told at once, whatever was on its way."""
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
    writer.transport.abort()
