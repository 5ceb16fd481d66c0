"""The HTTP server of every process: uvicorn, with limits on size and speed of what a peer sends.

Uvicorn has no limit for headers, and waits without limit for the rest of headers or a body. Here each connection has a
deadline for its current state, checked twice a second; headers have a size limit; errors of the parser become problem
documents. Why no other server is used: docs/decisions.
"""

import time
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from libs.chassis.connections import OTHER_FILES, Connections, descriptors
from libs.chassis.errors import Refusal
from libs.chassis.http_refusals import HeadTooLarge, MalformedRequest, TooManyConnections, TooSlow, written
from libs.chassis.http_settings import HttpSettings
from libs.chassis.peers import BadProxyLine, is_trusted, read_proxy_line

_GRACEFUL_SECONDS = 10
_CLOSING_SECONDS = 3.0
"""How long a connection that is being closed may take to send the written data."""
_PIPELINED_MOST = 8
"""The maximum number of requests that may wait on a connection behind the current one."""
_TICKS_BETWEEN_LOOKS = 5


class ServerConfig(uvicorn.Config):
    """Uvicorn's configuration with our limits; `register` counts the connections of the process."""

    def __init__(self, app: ASGIApp, limits: HttpSettings, *, host: str, port: int) -> None:
        trusted = ",".join(str(network) for network in limits.trusted_proxies)
        super().__init__(
            app,
            host=host,
            port=port,
            loop="uvloop",
            http=BoundedProtocol,
            ws="none",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=bool(trusted),
            forwarded_allow_ips=trusted,
            timeout_graceful_shutdown=_GRACEFUL_SECONDS,
            timeout_keep_alive=limits.idle_seconds,
        )
        self.limits = limits
        self.register = Connections(
            most=min(limits.connections, descriptors(limits.connections + OTHER_FILES) - OTHER_FILES),
            most_per_peer=limits.connections_per_peer,
            exempt=lambda host: is_trusted(host, limits.trusted_proxies),
        )


class Server(uvicorn.Server):
    """Checks the deadlines of its connections."""

    async def on_tick(self, counter: int) -> bool:
        """Called by uvicorn ten times a second."""
        if counter % _TICKS_BETWEEN_LOOKS == 0:
            now = time.monotonic()
            for connection in list(self.server_state.connections):
                if isinstance(connection, BoundedProtocol):
                    connection.look(now)
        return await super().on_tick(counter)


class _TooMuch(Exception):  # noqa: N818 (a refusal is not an error)
    """Stops the parser. The refusal gives the reason."""

    def __init__(self, refusal: Refusal | None) -> None:
        super().__init__()
        self.refusal = refusal


class BoundedProtocol(HttpToolsProtocol):
    """One connection.

    It waits for a request, reads a head (`_head_since`), reads a body (`_body_since`) or does neither; with pipelined
    requests it may read one while it answers another.
    """

    config: ServerConfig

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limits = self.config.limits
        self._first: bytes | None = b""
        """Received data that may be the start of a PROXY line; None once it is known whether there is such a line."""
        self._head_since: float | None = None
        self._head_came = False
        self._head_bytes = 0
        self._unparsed = 0
        """At least this many bytes were received for the head that is being read."""
        self._body_since: float | None = None
        self._body_bytes = 0
        self._refused: Refusal | None = None
        self._over = False
        """Whether data that the peer still sends are discarded."""
        self._lingers = False
        """Whether the request was refused and the connection stays open only until the peer has received the reason."""
        self._since: dict[str, float] = {}
        """The times since when the connection has been closing, stalled or idle."""
        self._looked_at = 0.0

    def connection_made(self, transport: Any) -> None:
        """A peer has connected; it is refused at once if there are too many."""
        super().connection_made(transport)
        self._head_since = self._looked_at = time.monotonic()
        host = self.client[0] if self.client else ""
        if not is_trusted(host, self._limits.trusted_proxies):
            self._first = None
        if not self.config.register.opened(self, host):
            self._refuse(TooManyConnections("Too many connections are open."))

    def eof_received(self) -> None:
        """The peer has ended its side of the connection and sends no more data."""
        if self._lingers:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection to the peer has ended."""
        self._over = True
        self.config.register.closed(self)
        super().connection_lost(exc)

    def give_way(self) -> None:
        """Close an idle connection, because another one needs its place."""
        self._over = True
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Process received data, unless the connection is closed."""
        if self._over or (self._first is not None and (data := self._behind_proxy_line(data)) == b""):
            return
        if self._head_since is None and self._body_since is None:
            self._head_since, self._unparsed = time.monotonic(), 0
        if self._head_since is not None:
            self._head_came = True
            self._unparsed += len(data)
        super().data_received(data)
        if self._head_since is not None and self._unparsed > self._limits.head_bytes:
            self._refuse(self._head_too_large())

    def _behind_proxy_line(self, data: bytes) -> bytes:
        """The data after the line in which a trusted proxy names its caller; empty while that line is incomplete."""
        self._first = (self._first or b"") + data
        try:
            found = read_proxy_line(self._first)
        except BadProxyLine:
            self._refuse(MalformedRequest("The line of the PROXY protocol is invalid."))
            return b""
        if found is None:
            return b""
        self._first, (caller, rest) = None, found
        if caller is not None:
            self.client = caller
            if not self.config.register.belongs_to(self, caller[0]):
                self._refuse(TooManyConnections("Too many connections are open."))
                return b""
        return rest

    def on_message_begin(self) -> None:
        """The parser has found the start of a request."""
        self._head_bytes = 0
        if self._head_since is None:  # in the same data as the end of the previous request
            self._head_since, self._unparsed = time.monotonic(), 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """The parser has read a part of the request line."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser has read a header, or a trailer after a chunked body. Trailers are ignored."""
        self._count_head(len(name) + len(value) + 4)
        if self._head_since is not None:
            super().on_header(name, value)

    def _count_head(self, count: int) -> None:
        self._head_bytes += count
        if self._head_bytes > self._limits.head_bytes:
            raise _TooMuch(self._note(self._head_too_large()))

    def _note(self, refusal: Refusal) -> Refusal:
        self._refused = refusal
        return refusal

    def _head_too_large(self) -> Refusal:
        most = self._limits.head_bytes
        return HeadTooLarge(f"Request line and headers may have {most} bytes at most.", limit_bytes=most)

    def on_headers_complete(self) -> None:
        """A request starts; its body is still to come."""
        if len(self.pipeline) >= _PIPELINED_MOST:
            raise _TooMuch(self._note(MalformedRequest("Too many requests were sent before the responses.")))
        self._head_since, self._head_came = None, False
        self._body_since, self._body_bytes = time.monotonic(), 0
        self._unparsed = 0
        self.config.register.asks(self)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """The parser has read a part of a body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is complete."""
        self._body_since = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """A request is answered."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self.config.register.waits(self)

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn when the parser stops."""
        self._refuse(self._refused or MalformedRequest("The request is not valid HTTP (RFC 9112)."))

    def look(self, now: float) -> None:
        """Close the connection if its peer has exceeded the deadline of the current state."""
        passed, self._looked_at = now - self._looked_at, now
        if self._lasts("closing", self._lingers or self.transport.is_closing(), now) > _CLOSING_SECONDS:
            self.transport.abort()
        if self._lasts("stalled", self.flow.write_paused, now) > self._limits.stalled_seconds:
            self.transport.abort()
        if self._over or self.transport.is_closing():
            return
        asking = self.cycle is not None and not self.cycle.response_complete
        if self._head_since is not None:
            if now - self._head_since > self._limits.head_seconds:
                self._end_head()
        elif self._body_since is not None:
            self._body_since += passed if self.flow.read_paused else 0.0  # the service is slow, not the peer
            if now - self._body_since > self._seconds_for_body():
                self._refuse(TooSlow("The body did not arrive in time."))
        elif self._lasts("idle", not asking, now) > self._limits.idle_seconds + _CLOSING_SECONDS:
            self.transport.close()  # uvicorn has no timer for a request that was answered before its body was complete

    def _end_head(self) -> None:
        if self._head_came:
            self._refuse(TooSlow("The request line and the headers did not arrive in time."))
        else:
            self._over = True
            self.transport.close()

    def _seconds_for_body(self) -> float:
        earned = self._body_bytes / self._limits.body_bytes_per_second
        return min(self._limits.body_seconds + earned, self._limits.body_seconds_most)

    def _lasts(self, what: str, holds: bool, now: float) -> float:
        """The number of seconds for which `what` has been true."""
        if not holds:
            self._since.pop(what, None)
            return 0.0
        return now - self._since.setdefault(what, now)

    def _refuse(self, refusal: Refusal) -> None:
        """Refuse and close; if a response is being sent, close after it."""
        if self._over or self.transport.is_closing():
            return
        self._over = True
        cycle = self.cycle
        if self._head_since is not None and cycle is not None and not cycle.response_complete:
            cycle.keep_alive = False  # the next request is refused, and the previous one is still answered
            return
        if self._head_since is None and cycle is not None:
            if cycle.response_started:
                self.transport.abort()
                return
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.write(written(refusal, self.scheme or "http"))
        if isinstance(refusal, TooManyConnections):
            self.transport.close()
        else:  # if we closed while the peer still sends, the peer's system would discard our response
            self._lingers = True
            self.flow.resume_reading()
            self.transport.write_eof()
