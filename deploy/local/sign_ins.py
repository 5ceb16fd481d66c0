"""The sign-ins of people at the local issuer: authorization codes and refresh tokens, in memory.

Only hashes of codes and tokens are kept. After a restart of the issuer, everybody signs in again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

CODE_SECONDS: Final = 60
SIGN_IN_SECONDS: Final = 8 * 3600


@dataclass(frozen=True)
class Code:
    """An authorization code: who may exchange it, for whom, and under which conditions."""

    digest: str
    sid: str
    client_id: str
    redirect_uri: str
    subject: str
    asked: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    auth_time: int

    def get_redirect_uri(self) -> str:
        """The redirect URI of the request, which the token request must repeat."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """The scopes that the request named."""
        return self.asked

    def get_nonce(self) -> str:
        """The nonce of the request, for the ID token."""
        return self.nonce

    def get_auth_time(self) -> int:
        """When the person chose who they are."""
        return self.auth_time

    def get_acr(self) -> None:
        """Nothing: a sample person proves nothing."""

    def get_amr(self) -> None:
        """Nothing: a sample person proves nothing."""


@dataclass
class SignIn:
    """One sign-in: the family of refresh tokens that follow each other. Only the last one is valid."""

    sid: str
    client_id: str
    subject: str
    asked: str
    auth_time: int
    current: str = field(repr=False)

    def check_client(self, client: Any) -> bool:
        """True for the client to which the person signed in."""
        return bool(client.get_client_id() == self.client_id)

    def get_scope(self) -> str:
        """The scopes that the sign-in named. What they give now depends on the person's roles."""
        return self.asked


class SignIns:
    """All codes and sign-ins. A code or refresh token that is used again ends its sign-in."""

    def __init__(self, *, sign_in_seconds: float = SIGN_IN_SECONDS, now: Callable[[], float] = time.time) -> None:
        self._lifetime = sign_in_seconds
        self.now = now
        self._codes: dict[str, Code] = {}
        self._used: set[str] = set()
        self._sign_ins: dict[str, SignIn] = {}
        self._sid_of: dict[str, str] = {}

    def keep(self, code: Code) -> None:
        """Keep a new code; forget what has expired."""
        self._forget()
        self._codes[code.digest] = code

    def code(self, text: str, client_id: str) -> Code | None:
        """The unused code of this client, if it is younger than a minute. A used code ends its sign-in."""
        code = self._codes.get(digest(text))
        if code is None or code.client_id != client_id:
            return None
        if code.digest in self._used:
            self.end(code.sid)
            return None
        return code if self.now() < code.auth_time + CODE_SECONDS else None

    def open(self, code: Code, refresh_token: str) -> None:
        """Begin a sign-in with its first refresh token; the code is used now."""
        self._used.add(code.digest)
        first = digest(refresh_token)
        self._sign_ins[code.sid] = SignIn(code.sid, code.client_id, code.subject, code.asked, code.auth_time, first)
        self._sid_of[first] = code.sid

    def of_refresh_token(self, text: str) -> SignIn | None:
        """The sign-in whose valid refresh token this is. A replaced one ends the sign-in: it may have been stolen."""
        sign_in = self._sign_ins.get(self._sid_of.get(digest(text), ""))
        if sign_in is None:
            return None
        if sign_in.current != digest(text) or self._is_over(sign_in.auth_time):
            self.end(sign_in.sid)
            return None
        return sign_in

    def replace(self, sign_in: SignIn, refresh_token: str) -> None:
        """From now on, only this refresh token is valid."""
        sign_in.current = digest(refresh_token)
        self._sid_of[sign_in.current] = sign_in.sid

    def end(self, sid: str) -> None:
        """End a sign-in: it gets no more tokens."""
        self._sign_ins.pop(sid, None)

    def _is_over(self, auth_time: int) -> bool:
        return self.now() >= auth_time + self._lifetime

    def _forget(self) -> None:
        for sid in [sid for sid, one in self._sign_ins.items() if self._is_over(one.auth_time)]:
            self.end(sid)
        self._sid_of = {token: sid for token, sid in self._sid_of.items() if sid in self._sign_ins}
        self._codes = {one.digest: one for one in self._codes.values() if not self._is_over(one.auth_time)}
        self._used &= self._codes.keys()


def digest(text: str) -> str:
    """The SHA-256 of a code or token, which has enough random bits to need no salt."""
    return hashlib.sha256(text.encode()).hexdigest()
