"""The local issuer is for one's own machine only: it checks where it listens, and by which name it is asked."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

PAGES: Final = frozenset({"/authorize", "/end-session", "/sign-in.css"})
"""Paths for browsers. Everybody who sees the page can be any of the sample people."""


class NotLoopbackError(SystemExit):
    """The issuer would be reachable from other machines. It ends the process; the text says what to do."""


def is_loopback(host: str) -> bool:
    """True for `localhost` and for the loopback addresses."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_loopback(host: str, *, published_on: str | None = None) -> None:
    """Raise NotLoopbackError if the issuer listens elsewhere.

    In a container it must listen on every address of the container. Then `published_on` states the address of the
    machine on which its port is published, and this must be a loopback address.
    """
    reachable_at = host if published_on is None else published_on
    if not is_loopback(reachable_at):
        raise NotLoopbackError(
            f"the local issuer asks for no password, so it listens only on this machine (127.0.0.1), not on "
            f"{reachable_at}. An installation uses its own OpenID provider, see docs/issuer.md"
        )


class OwnHostOnly:
    """Refuses requests whose `Host` names another machine.

    A web page from elsewhere can let its own name point to 127.0.0.1 (DNS rebinding). Its requests then contain that
    name. `names` are further names under which programs, but not browsers, reach the issuer in a network of containers.
    """

    def __init__(self, app: ASGIApp, names: Collection[str] = ()) -> None:
        self._app = app
        self._names = frozenset(names) - {""}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 421."""
        if scope["type"] != "http" or self._allows(scope):
            await self._app(scope, receive, send)
            return
        body = {"error": "invalid_request", "error_description": "The Host header must name this machine."}
        await JSONResponse(body, status_code=421)(scope, receive, send)

    def _allows(self, scope: Scope) -> bool:
        names = [_name(value.decode("latin-1")) for header, value in scope["headers"] if header == b"host"]
        if len(names) != 1:
            return False
        return is_loopback(names[0]) or (names[0] in self._names and scope["path"] not in PAGES)


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
