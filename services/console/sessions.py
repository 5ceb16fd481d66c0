"""Who is signed in. Tokens stay in the memory of this process; the browser has a cookie with a random number only.

A sign-out therefore ends a session for everybody who has its cookie. After a restart of the console people sign in
again; what they have typed into a form is kept by their browser (`pages.ended`).
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_MOST: Final = 20_000
RESTRICTED_SCOPE: Final = "restricted:read"


@dataclass(frozen=True, slots=True)
class Rights:
    """Everything in a token that decides what the services answer. Hashable; it names no person."""

    scopes: frozenset[str] = frozenset()
    organization_id: str | None = None
    desks: tuple[str, ...] = ()
    reception_places: tuple[str, ...] = ()
    staff: bool = False

    @classmethod
    def of(cls, claims: Mapping[str, Any]) -> Rights:
        """The rights in the claims of an access token."""
        return cls(
            scopes=frozenset(str(claims.get("scope", "")).split()),
            organization_id=claims.get("organization_id"),
            desks=tuple(sorted(claims.get("desks") or ())),
            reception_places=tuple(sorted(claims.get("reception_places") or ())),
            staff=claims.get("staff") is True,
        )

    def may(self, *scopes: str) -> bool:
        """Whether all of these scopes are held."""
        return self.scopes.issuperset(scopes)

    @property
    def restricted(self) -> bool:
        """Whether rows of restricted categories exist for this person."""
        return self.may(RESTRICTED_SCOPE)


@dataclass(slots=True)
class Tokens:
    """The tokens of one session. Times are seconds since 1970."""

    access: str
    expires_at: float
    refresh: str | None
    id_token: str


@dataclass(slots=True)
class Session:
    """One sign-in of one person in one browser."""

    id: str
    subject: str
    name: str
    rights: Rights
    tokens: Tokens
    started_at: float
    seen_at: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)
    ended: bool = False
    said: list[str] = field(default_factory=list)
    """What the next page says about what was done."""


class Sessions:
    """The sessions of this process. Their ids are kept as digests, so that no memory dump holds a usable cookie."""

    def __init__(self, *, idle_seconds: float, longest_seconds: float, clock: Callable[[], float] = time.time) -> None:
        self._idle = idle_seconds
        self._longest = longest_seconds
        self._clock = clock
        self._sessions: dict[str, Session] = {}

    def start(self, *, subject: str, name: str, rights: Rights, tokens: Tokens) -> tuple[str, Session]:
        """A new session and the value of its cookie. The session that was unused for the longest time makes room."""
        cookie, now = secrets.token_urlsafe(32), self._clock()
        session = Session(_digest(cookie), subject, name, rights, tokens, started_at=now, seen_at=now)
        self._sessions[session.id] = session
        while len(self._sessions) > _MOST:
            self.end(next(iter(self._sessions.values())))
        return cookie, session

    def find(self, cookie: str | None) -> Session | None:
        """The live session of a cookie; it counts as used now."""
        session = self._sessions.get(_digest(cookie)) if cookie else None
        if session is None:
            return None
        now = self._clock()
        if now - session.seen_at > self._idle or now - session.started_at > self._longest:
            self.end(session)
            return None
        session.seen_at = now
        self._sessions[session.id] = self._sessions.pop(session.id)
        return session

    def end(self, session: Session) -> None:
        """Forget a session and its tokens."""
        session.ended = True
        self._sessions.pop(session.id, None)

    def __len__(self) -> int:
        return len(self._sessions)


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
