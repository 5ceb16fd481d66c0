"""The connections of a bad network: what one side hears the other one says, at once, later or never."""

import asyncio
import contextlib
import socket
import struct
from collections import deque
from enum import StrEnum
from typing import Protocol, cast

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


class Network(Protocol):
    """What a connection asks of what it runs through."""

    mode: Mode
    delay_s: float
    links: set["Link"]

    def taken(self, link: "Link") -> None:
        """A client has connected."""

    def intercepts(self, link: "Link", data: bytes, *, from_client: bool) -> bool:
        """Whether this piece is kept from going on."""


class End(asyncio.Protocol):
    """One side of a connection: what it hears, its peer says."""

    def __init__(self, link: "Link") -> None:
        self._link = link
        self.peer: End | None = None
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
        if self._link.intercepts(self, data):
            return
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


class Link:
    """One client's connection, with the one to the target once it stands."""

    def __init__(self, proxy: Network) -> None:
        self._proxy = proxy
        self.client, self.target = End(self), End(self)
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

    def intercepts(self, end: End, data: bytes) -> bool:
        """Whether the network keeps this piece."""
        return self._proxy.intercepts(self, data, from_client=end is self.client)

    def made(self, end: End) -> None:
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
