"""Headers of every response: what a browser may do with it, and that it must not be cached."""

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""A route that needs a different value sets it itself."""
_TLS_ONLY = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
_IGNORED = frozenset({b"cookie"})
"""Request headers that are removed. The services read no cookies, and Python's cookie parser takes quadratic time."""


def security_headers(scheme: str) -> dict[str, str]:
    """The headers for a response over `scheme`; with https they include Strict-Transport-Security."""
    return ALWAYS | _TLS_ONLY if scheme == "https" else ALWAYS


class SecurityHeaders:
    """ASGI middleware: adds the headers that a response does not set itself.

    `cookies`: the routes read cookies. The services do not, so their cookies are removed from the request.
    """

    def __init__(self, app: ASGIApp, *, cookies: bool = False) -> None:
        self._app = app
        self._ignored = frozenset[bytes]() if cookies else _IGNORED

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        wanted = security_headers(scope.get("scheme", "http"))

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(MutableHeaders(scope=message), wanted.items())
            await send(message)

        known: list[tuple[bytes, bytes]] = scope["headers"]
        if any(name in self._ignored for name, _ in known):
            scope["headers"] = [(name, value) for name, value in known if name not in self._ignored]
        await self._app(scope, receive, adding)


def _add(headers: MutableHeaders, wanted: Iterable[tuple[str, str]]) -> None:
    for name, value in wanted:
        headers.setdefault(name, value)
