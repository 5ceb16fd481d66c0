"""Beginning and ending a session."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Final

from services.console.errors import SignInRefused
from services.console.people import Console
from services.console.sessions import Session

BEGUN_SECONDS: Final = 600
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that was sent to the issuer. `browser` binds it to the browser in which it began."""

    browser: str
    nonce: str
    verifier: str
    to: str
    at: float


class SignIns:
    """The sign-ins that have begun in this process, by `state`."""

    def __init__(self) -> None:
        self._begun: dict[str, Begun] = {}

    async def begin(self, console: Console, *, browser: str, to: str, language: str) -> str:
        """Where the browser goes to sign in. Afterwards the person comes to `to`."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        url = await console.issuer.authorize_url(state=state, nonce=nonce, verifier=verifier, language=language)
        self._begun[state] = Begun(_digest(browser), nonce, verifier, to, time.monotonic())
        while len(self._begun) > _MOST:
            del self._begun[next(iter(self._begun))]
        return url

    async def finish(self, console: Console, *, browser: str, state: str, code: str) -> tuple[str, Session, str]:
        """The cookie of the new session, the session, and where the person goes. A state works once."""
        begun = self._begun.pop(state, None)
        if begun is None or time.monotonic() - begun.at > BEGUN_SECONDS:
            raise SignInRefused("state-unknown")
        if not hmac.compare_digest(begun.browser, _digest(browser)):
            raise SignInRefused("state-unknown")
        told = await console.issuer.exchange(code, verifier=begun.verifier, nonce=begun.nonce)
        cookie, session = console.sessions.start(
            subject=told.subject, name=told.name, rights=told.rights, tokens=told.tokens
        )
        return cookie, session, begun.to


def _digest(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()


async def sign_out(console: Console, session: Session) -> str:
    """End the session here; returns where the browser ends it at the issuer."""
    console.sessions.end(session)
    return await console.issuer.sign_out_url(session.tokens.id_token) or "/"
