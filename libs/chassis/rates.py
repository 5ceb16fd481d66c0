"""Rate limits for each caller and each address, and much lower limits for wrong guesses.

A caller is a program, or one of the people who sign in to the same client.

Requests are counted in the memory of this process (GCRA, `throttled-py`), for a limited number of keys. The key that
was not used for the longest time is removed first. Keys are never logged. The decisions (docs/decisions) describe the
effect of several processes.
"""

import math
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from throttled import Throttled, rate_limiter, store

from libs.chassis.errors import Refusal
from libs.chassis.http_settings import HttpSettings
from libs.chassis.peers import is_trusted, peer_of
from libs.chassis.problems import problem_response

_MINUTE_SECONDS = 60
_KEYS = 20_000
"""The maximum number of callers or addresses that one limit stores."""
_STATE = "libs.chassis.rate"
"""Key in the request's state: the remaining allowance of its caller, for the response headers."""


class TooManyRequests(Refusal):
    """This caller or address has sent too many requests, or too many wrong guesses."""

    code = "too-many-requests"
    status = 429

    def __init__(self, left: "Left") -> None:
        detail = {
            "unknown": "Too many of your requests named something that does not exist.",
            "failed": "Too many requests had invalid tokens.",
        }
        super().__init__(detail.get(left.policy, "Too many requests."), violated_policies=[left.policy])
        self.headers |= left.headers() | {"Retry-After": str(left.seconds)}


@dataclass(frozen=True, slots=True)
class Left:
    """The remaining allowance of a limit."""

    policy: str
    most: int
    remaining: int
    limited: bool
    seconds: int
    """Seconds until a request is allowed again; if none is refused, until the allowance is full."""

    def headers(self) -> dict[str, str]:
        """The fields of the IETF's draft (ratelimit-headers)."""
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.most};w={_MINUTE_SECONDS}',
            "RateLimit": f'"{self.policy}";r={self.remaining};t={self.seconds}',
        }


class Limit:
    """A number of requests per minute for each key, which may all come at once; 0: no limit."""

    def __init__(self, policy: str, per_minute: int, *, burst: int | None = None) -> None:
        self._policy = policy
        self._most = per_minute
        self._throttle: Throttled | None = None
        if per_minute:
            self._throttle = Throttled(
                using="gcra",
                quota=rate_limiter.per_min(per_minute, burst=burst or per_minute),
                store=store.MemoryStore(options={"MAX_SIZE": _KEYS}),
            )

    def take(self, key: str, *, cost: int = 1) -> Left | None:
        """Count one request; None if there is no limit. With cost 0 it only returns the allowance."""
        if self._throttle is None:
            return None
        key = key[:200]
        if cost:
            result = self._throttle.limit(key, cost=cost)
            return self._left(result.state, limited=result.limited)
        state = self._throttle.peek(key)
        return self._left(state, limited=state.remaining < 1)

    def _left(self, state: Any, *, limited: bool) -> Left:
        seconds = state.retry_after if limited else state.reset_after
        return Left(self._policy, self._most, int(state.remaining), limited, max(1, math.ceil(seconds)))


class Rates:
    """The limits of one process."""

    def __init__(self, limits: HttpSettings) -> None:
        self._trusted = limits.trusted_proxies
        self._peer = Limit("peer", limits.rate_peer_per_minute)
        self._client = Limit("client", limits.rate_client_per_minute)
        self._unknown = Limit("unknown", limits.rate_unknown_per_minute, burst=5 * limits.rate_unknown_per_minute)
        self._failed = Limit("failed", limits.rate_failed_per_minute)

    def of_peer(self, scope: Scope) -> None:
        """Count a request of which only the address is known; may raise `TooManyRequests`."""
        peer = self._peer_in(scope)
        if peer is not None:
            _refuse(self._peer.take(peer))

    def of_caller(self, request: Request, caller: str) -> None:
        """Count a request with a valid token; raises `TooManyRequests` also after too many wrong guesses.

        `caller` is the digest of client and subject (`principals.digest_of`).
        """
        _refuse(self._unknown.take(caller, cost=0))
        left = self._client.take(caller)
        _refuse(left)
        setattr(request.state, _STATE, left)

    def guessed(self, request: Request) -> None:
        """Count a request for something that does not exist. A 404 is counted automatically, an empty search is not."""
        caller: str | None = getattr(request.state, "verified_caller", None)
        if caller is not None:
            self._unknown.take(caller)

    def after(self, request: Request, refusal: Refusal) -> Refusal:
        """Process a response: an invalid token or a 404 counts as a guess; too many invalid tokens become a 429.

        Valid tokens from the same address are still accepted, so that one machine cannot lock out its whole office.
        """
        if refusal.status == 404:
            self.guessed(request)
        peer = self._peer_in(request.scope)
        if refusal.status == 401 and peer is not None:
            left = self._failed.take(peer)
            if left is not None and left.limited:
                return TooManyRequests(left)
        return refusal

    def _peer_in(self, scope: Scope) -> str | None:
        client = scope.get("client")
        return None if client is None or is_trusted(client[0], self._trusted) else peer_of(client[0])


class RateLimits:
    """ASGI middleware: refuses addresses with too many requests, and adds the remaining allowance to responses."""

    def __init__(self, app: ASGIApp, *, rates: Rates) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def telling(message: Message) -> None:
            left = getattr(Request(scope).state, _STATE, None)
            if message["type"] == "http.response.start" and left is not None:
                headers = MutableHeaders(scope=message)
                for name, value in left.headers().items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            self._rates.of_peer(scope)
        except TooManyRequests as refusal:
            await problem_response(refusal)(scope, receive, send)
            return
        await self._app(scope, receive, telling)


def _refuse(left: Left | None) -> None:
    if left is not None and left.limited:
        raise TooManyRequests(left)
