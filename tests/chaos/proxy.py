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
import contextlib
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Self, cast

HOST = "127.0.0.1"
CONNECT_S = 10.0
HELD_BYTES_MAX = 256 * 1024
"""So much of one direction is kept while nothing comes through; then its sender has to wait."""
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


class Mode(StrEnum):
    """What the network is like."""

    NORMAL = "normal"
    CUT = "cut"
    DELAY = "delay"
    STALL = "stall"
    HALF_OPEN = "half-open"


class _End(asyncio.Protocol):
    """One side of a connection: what it hears, its peer says."""

    def __init__(self, link: "_Link") -> None:
        self._link = link
        self.peer: _End | None = None
        self.transport: asyncio.Transport | None = None
        self._held: deque[tuple[float, bytes | None]] = deque()
        """What came and may not go on yet, with the moment from which it may; None: the end."""
        self._held_bytes = 0
        self.has_ended = False
        """Its sender has said all, and the peer has been told."""
        self._is_waiting = False
        self._peer_is_full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        with contextlib.suppress(OSError):
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._link.made(self)

    def data_received(self, data: bytes) -> None:
        if self._held or not self._link.passes or self.peer is None or self.peer.transport is None:
            self._hold(data)
        else:
            self.peer.transport.write(data)

    def eof_received(self) -> bool:
        self._hold(None)
        self.release()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._link.lost(exc)

    def pause_writing(self) -> None:
        if self.peer is not None:
            self.peer.throttle(peer_is_full=True)

    def resume_writing(self) -> None:
        if self.peer is not None:
            self.peer.throttle(peer_is_full=False)

    def throttle(self, *, peer_is_full: bool | None = None) -> None:
        """Let this side's sender wait while its peer is full, or too much is held."""
        if peer_is_full is not None:
            self._peer_is_full = peer_is_full
        if self.transport is None or self.transport.is_closing():
            return
        with contextlib.suppress(RuntimeError):  # it waits already, or goes on already
            if self._peer_is_full or self._held_bytes > HELD_BYTES_MAX:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def release(self) -> None:
        """Let go on what may."""
        target = None if self.peer is None else self.peer.transport
        loop = asyncio.get_running_loop()
        while self._held and self._link.flows and target is not None and not target.is_closing():
            due, data = self._held[0]
            if due > loop.time():
                if not self._is_waiting:
                    self._is_waiting = True
                    loop.call_at(due, self._waited)
                break
            self._held.popleft()
            if data is None:
                target.write_eof()
                self.has_ended = True
                self._link.ended()
            else:
                self._held_bytes -= len(data)
                target.write(data)
        self.throttle()

    def _waited(self) -> None:
        self._is_waiting = False
        self.release()

    def _hold(self, data: bytes | None) -> None:
        self._held.append((asyncio.get_running_loop().time() + self._link.delay_s, data))
        self._held_bytes += len(data or b"")
        self.release()


class _Link:
    """One client's connection, with the one to the target once it stands."""

    def __init__(self, proxy: "Proxy") -> None:
        self._proxy = proxy
        self.client, self.target = _End(self), _End(self)
        self.client.peer, self.target.peer = self.target, self.client
        self.is_dead = False
        """It was open while the network was half open: nothing will ever come through again."""

    @property
    def passes(self) -> bool:
        """Whether everything goes on at once."""
        return self._proxy.mode is Mode.NORMAL and not self.is_dead

    @property
    def flows(self) -> bool:
        """Whether anything goes on at all."""
        return self._proxy.mode not in (Mode.STALL, Mode.HALF_OPEN) and not self.is_dead

    @property
    def delay_s(self) -> float:
        """How long everything is held."""
        return self._proxy.delay_s if self._proxy.mode is Mode.DELAY else 0.0

    def made(self, end: _End) -> None:
        """One side stands."""
        if end is self.client:
            self._proxy.taken(self)
        else:
            self.client.release()

    def ended(self) -> None:
        """Once both sides have said all, the connection is over."""
        if self.client.has_ended and self.target.has_ended:
            for end in (self.client, self.target):
                if end.transport is not None:
                    end.transport.close()
            self._proxy.links.discard(self)

    def lost(self, error: Exception | None) -> None:
        """One side is gone: the other one is told."""
        if error is not None or self in self._proxy.links:
            self.reset()

    def reset(self) -> None:
        """End both sides so that both are told at once, whatever was on its way."""
        for end in (self.client, self.target):
            if end.transport is not None:
                with contextlib.suppress(OSError, AttributeError, ValueError):  # its socket is gone already
                    sock = end.transport.get_extra_info("socket")
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
                end.transport.abort()
        self._proxy.links.discard(self)

    def release(self) -> None:
        """What was held goes on."""
        for end in (self.client, self.target):
            end.release()


class Proxy:
    """Listens on a port of the loopback interface and passes everything on to another one."""

    def __init__(self, target_port: int, *, target_host: str = HOST) -> None:
        self.target_port = target_port
        self._target_host = target_host
        self.port = 0
        self.mode = Mode.NORMAL
        self.delay_s = 0.0
        self.links: set[_Link] = set()
        self.connections_made = 0
        """How many clients have connected so far."""
        self._waiting: list[_Link] = []
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
        self._server = await loop.create_server(lambda: _Link(self).client, HOST, port, backlog=512)
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

    def taken(self, link: _Link) -> None:
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

    def _call_target(self, link: _Link) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(link))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, link: _Link) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                loop = asyncio.get_running_loop()
                await loop.create_connection(lambda: link.target, self._target_host, self.target_port)
        except (OSError, TimeoutError):
            link.reset()
        else:
            if link not in self.links:
                link.reset()
