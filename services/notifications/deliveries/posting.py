"""Sends one POST to an untrusted receiver: only to checked addresses, limited in time and size, without redirects.

The name of the host is looked up once per connection. All its addresses are checked, and the connection goes to a
checked address, while TLS still verifies the name. Connections are kept per host name, so a request to one host never
uses a connection that was verified for another. The signature (Standard Webhooks 1.0) lets the receiver verify that a
request comes from us, is unchanged and is recent.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpcore
from standardwebhooks import Webhook

from services.notifications.deliveries.rules import Answer, AttemptFault, answer_of
from services.notifications.endpoints.rules import Target, UrlRefused, address_allowed, target_of

TIMEOUT_SECONDS = 15.0
"""The limit for the whole attempt: look-up, connection, request and response."""
_ANSWER_BYTES_MAX = 65_536
"""This many bytes of a response's body are read and discarded, so that its connection can be reused. If the body is
longer, the connection is closed."""
_ANSWER_SECONDS_MAX = 1.0
_RECEIVED_BYTES_MAX = 2 * _ANSWER_BYTES_MAX
"""The limit for everything that is received for one request, including headers and interim responses (1xx), which have
no other limit: a receiver that sends `100 Continue` without end would keep the event loop busy until the deadline."""
_PIECE_BYTES = 8_192
"""The size of one read. It is small, so that other tasks can run between two reads."""
_ADDRESSES_TRIED_MAX = 3
_KEEP_SECONDS = 10.0

_TROUBLE = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


class Unreachable(Exception):  # noqa: N818 (a state)
    """No request could be made. `fault` says why."""

    def __init__(self, fault: AttemptFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class Poster:
    """Posts webhooks over its own connections. `opened` gives a poster that is closed at the end.

    `allow_private` (local runs) allows http, and loopback and private addresses. `concurrency` limits connections and
    look-ups. There are as many threads for look-ups as connections, so that slow name servers of some hosts do not
    delay the others.
    """

    def __init__(self, pool: httpcore.AsyncConnectionPool, *, allow_private: bool) -> None:
        self._pool = pool
        self._allow_private = allow_private

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(
        cls, *, allow_private: bool, concurrency: int, ssl_context: ssl.SSLContext | None = None
    ) -> AsyncIterator["Poster"]:
        """Open a poster with its pool of connections."""
        lookups = ThreadPoolExecutor(concurrency, thread_name_prefix="webhook-lookup")
        backend = CheckedBackend(allow_private=allow_private, lookups=lookups)
        try:
            async with httpcore.AsyncConnectionPool(
                ssl_context=ssl_context,
                max_connections=concurrency,
                max_keepalive_connections=concurrency,
                keepalive_expiry=_KEEP_SECONDS,
                network_backend=backend,
            ) as pool:
                yield cls(pool, allow_private=allow_private)
        finally:
            lookups.shutdown(wait=False, cancel_futures=True)

    async def post(self, url: str, *, headers: Mapping[str, str], body: str) -> Answer:
        """Post and return the receiver's answer, or the reason why there is none. The receiver's behaviour never raises
        an exception."""
        try:
            target = target_of(url, allow_private=self._allow_private)
        except UrlRefused:
            return Answer(fault=AttemptFault.URL_FORBIDDEN)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await self._exchange(target, headers=headers, body=body)
        except (TimeoutError, httpcore.TimeoutException):
            return Answer(fault=AttemptFault.TIMEOUT)
        except Unreachable as unreachable:
            return Answer(fault=unreachable.fault)
        except httpcore.NetworkError as error:
            return Answer(fault=AttemptFault.TLS_FAILED if _of_tls(error) else AttemptFault.CONNECTION_FAILED)
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, httpcore.ProxyError):
            return Answer(fault=AttemptFault.PROTOCOL)

    async def _exchange(self, target: Target, *, headers: Mapping[str, str], body: str) -> Answer:
        all_headers = {"Host": target.authority, "Content-Type": "application/json", **headers}
        url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        async with self._pool.stream("POST", url, headers=list(all_headers.items()), content=body.encode()) as response:
            retry_after = _header(response.headers, b"retry-after")
            answer = answer_of(response.status, retry_after=retry_after, real_time=datetime.now(UTC))
            # The status decides. A body that is slow or breaks off does not change the result.
            with contextlib.suppress(TimeoutError, *_TROUBLE):
                async with asyncio.timeout(_ANSWER_SECONDS_MAX):
                    await _discard(response)
            return answer


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections only to addresses that a webhook may be sent to."""

    def __init__(self, *, allow_private: bool, lookups: ThreadPoolExecutor) -> None:
        self._allow_private = allow_private
        self._lookups = lookups
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to one of the host's addresses. Raises `Unreachable` if it has none or if any of them is forbidden.

        One forbidden address among allowed ones is enough, because an honest host has no reason to publish it.
        """
        addresses = await self._addresses(host, port)
        if not all(address_allowed(address, allow_private=self._allow_private) for address in addresses):
            raise Unreachable(AttemptFault.ADDRESS_FORBIDDEN)
        failure: httpcore.ConnectError | None = None
        for address in addresses[:_ADDRESSES_TRIED_MAX]:
            try:
                return _BoundedStream(
                    await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
                )
            except httpcore.ConnectError as error:
                failure = error
        raise failure or Unreachable(AttemptFault.NAME_NOT_FOUND)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: webhooks never go to sockets of this machine."""
        raise Unreachable(AttemptFault.ADDRESS_FORBIDDEN)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                self._lookups, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
        except (OSError, UnicodeError):
            raise Unreachable(AttemptFault.NAME_NOT_FOUND) from None
        return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _BoundedStream(httpcore.AsyncNetworkStream):
    """A connection that limits how much a receiver can send per request. More is a protocol error."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self._received = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        piece = await self._inner.read(min(max_bytes, _PIECE_BYTES), timeout)
        self._received += len(piece)
        if self._received > _RECEIVED_BYTES_MAX:
            raise httpcore.RemoteProtocolError("the receiver sends too much data")
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._received = 0  # the count belongs to the previous request on this connection
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return _BoundedStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        try:
            return self._inner.get_extra_info(info)
        except AttributeError as error:  # see libs/chassis/http_client.py
            raise httpcore.ConnectError("the receiver has reset the connection") from error


async def _discard(response: httpcore.Response) -> None:
    count = 0
    async for chunk in response.aiter_stream():
        count += len(chunk)
        if count > _ANSWER_BYTES_MAX:
            return


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), None)


def _of_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def signed_headers(*, message_id: str, body: str, secrets: Sequence[bytes], at: datetime) -> dict[str, str]:
    """The three `webhook-*` headers of one attempt at `at` (aware, real time).

    There is one signature per secret, newest first: while a secret is rotated the receiver can verify with either. The
    library marks any time that it gets as UTC, so the time is converted to UTC first.
    """
    if at.tzinfo is None:
        raise ValueError("the time of a signature must be aware")
    moment = at.astimezone(UTC)
    signatures = [Webhook(secret).sign(msg_id=message_id, timestamp=moment, data=body) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
