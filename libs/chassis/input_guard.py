"""Checks of every request body before a route gets it: its size, no encoding, and JSON that can be stored.

PostgreSQL refuses NUL characters in text and lone surrogates; JSON numbers may be longer than any column. Such input
is refused here with the field's pointer, so that it never causes an error later.
"""

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.chassis.errors import FieldError, InvalidInput, NotFound, Refusal, Unavailable
from libs.chassis.gate import READ_BODY
from libs.chassis.logs import get_logger
from libs.chassis.peers import peer_of
from libs.chassis.problems import internal_error, problem_response
from libs.chassis.validation import json_pointer, shortened
from libs.wire.json_text import faults_of, without_mark

log = get_logger(__name__)


class BodyTooLarge(Refusal):
    """The body exceeds the size limit."""

    code = "body-too-large"
    status = 413


class TooMuchAtOnce(Unavailable):
    """The bodies that this process is reading use all memory that is reserved for them."""

    code = "too-much-at-once"


class ContentEncoded(Refusal):
    """The body is compressed or encoded. It is not decoded, because a small body could become very large."""

    code = "content-encoding-not-supported"
    status = 415
    title = "Content encoding not supported"


class _Gone(Exception):  # noqa: N818 (a state)
    """The client closed the connection before its body was complete; nobody can receive a response."""


class Bodies:
    """The memory that the bodies of requests use at present, in total and per peer."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._total = 0
        self._of_peer: dict[str, int] = {}

    @contextmanager
    def share(self, peer: str) -> Iterator[Callable[[int], None]]:
        """Counts the bytes of one request of a peer until the request ends.

        The function gets the number of received bytes. It raises `TooMuchAtOnce` above the total limit, or above the
        limit of the peer, which is a quarter of it.
        """
        taken = 0

        def take(count: int) -> None:
            nonlocal taken
            taken += count
            self._total += count
            self._of_peer[peer] = self._of_peer.get(peer, 0) + count
            if self._of_peer[peer] > self._most // 4 or self._total > self._most:
                raise TooMuchAtOnce("Too many request bodies are being sent at the same time.")

        try:
            yield take
        finally:
            self._total -= taken
            if taken and (left := self._of_peer.pop(peer) - taken):
                self._of_peer[peer] = left


class InputGuard:
    """ASGI middleware: refuses input that cannot be read or stored, and answers internal errors without details."""

    def __init__(self, app: ASGIApp, *, limit_bytes: int, bodies: Bodies) -> None:
        self._app = app
        self._limit = limit_bytes
        self._bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            _check_address(scope)
            self._check_headers(Headers(scope=scope))
            with self._bodies.share(_peer(scope)) as take:
                # The gate of the route reads the body after it has verified the caller: see libs.chassis.gate.
                scope[READ_BODY] = lambda: self._checked(scope, receive, take)
                await self._app(scope, receive, watched_send)
        except _Gone:
            return
        except Refusal as refusal:
            await problem_response(refusal)(scope, receive, send)
        except Exception as error:  # the last handler: an error is logged by type and place, and answered with a 500
            log.error("request.failed", error=error, method=scope["method"], route=_route(scope))
            if started:
                raise
            await internal_error()(scope, receive, send)

    def _check_headers(self, headers: Headers) -> None:
        if headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise ContentEncoded("Send the body without Content-Encoding.", pointer="Content-Encoding")
        if int(headers.get("content-length", "0")) > self._limit:
            raise _too_large(self._limit)

    async def _checked(self, scope: Scope, receive: Receive, take: Callable[[int], None]) -> Receive:
        headers = Headers(scope=scope)
        if "content-length" not in headers and "transfer-encoding" not in headers:
            return receive
        body = await _read(receive, self._limit, take)
        return _replay(checked_body(body, headers.get("content-type", "")), receive)


def checked_body(body: bytes, content_type: str) -> bytes:
    """The body for the routes; refuses a JSON or text body that cannot be stored unchanged."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("text/"):
        if b"\0" in body:
            raise InvalidInput("The text contains a NUL character.", pointer="")
    elif kind == "application/json" or kind.endswith("+json"):
        body = without_mark(body)
        faults = [FieldError(json_pointer(fault.path), fault.rule, fault.detail) for fault in faults_of(body)]
        if faults:
            raise InvalidInput("The body contains data that cannot be read or stored.", errors=faults)
    return body


def _check_address(scope: MutableMapping[str, Any]) -> None:
    if "\0" in scope["path"]:
        raise NotFound
    query: bytes = scope["query_string"]
    if b"%00" in query:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        names = [name for name, value in pairs if "\0" in value and "\0" not in name]
        faults = [
            FieldError(shortened(name), "nul-character", "Text must not contain a NUL character") for name in names
        ]
        raise InvalidInput("The query contains a NUL character.", pointer="", errors=faults)


async def _read(receive: Receive, limit: int, take: Callable[[int], None]) -> bytes:
    """The whole body. Raises `_Gone` if the client closed the connection."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _Gone
        chunk = message.get("body", b"")
        size += len(chunk)
        take(len(chunk))
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"A body may have {limit} bytes at most.", limit_bytes=limit)


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return peer_of(client[0]) if client else ""


def _route(scope: Scope) -> str | None:
    return getattr(scope.get("route"), "path", None)
