"""The person who is signed in, for one request: rights, the way to the services, words and times."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import Depends, Request

from services.console.calls import Calls
from services.console.errors import IssuerAway, NoSuchPage, SignedOut
from services.console.issuer import Issuer
from services.console.moments import Moments
from services.console.pack import Pack
from services.console.sessions import Rights, Session, Sessions
from services.console.settings import ConsoleSettings
from services.console.shared_answers import SharedAnswers
from services.console.words import Words, words_for

_RENEW_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Console:
    """What all requests share."""

    settings: ConsoleSettings
    issuer: Issuer
    sessions: Sessions
    shared: SharedAnswers
    pack: Pack
    http: Any

    @property
    def session_cookie(self) -> str:
        """The name of the cookie of the session."""
        return self.cookie("enlace")

    @property
    def language_cookie(self) -> str:
        """The name of the cookie with the chosen language."""
        return self.cookie("enlace-language")

    def cookie(self, name: str) -> str:
        """The name of a cookie. With https its prefix makes browsers refuse it from other hosts and without TLS."""
        return f"__Host-{name}" if self.settings.is_https else name


def console_of(request: Request) -> Console:
    """What all requests share."""
    console: Console = request.app.state.console
    return console


def session_of(request: Request) -> Session | None:
    """The live session of the request's browser."""
    console = console_of(request)
    return console.sessions.find(request.cookies.get(console.session_cookie))


def words_of(request: Request) -> Words:
    """The words in the language of the request."""
    chosen = request.cookies.get(console_of(request).language_cookie)
    return words_for(chosen, request.headers.get("accept-language"))


def moments_of(request: Request) -> Moments:
    """Times for a page that is made now."""
    console = console_of(request)
    clock = console.settings.clock()
    return Moments(clock.at(datetime.now(UTC)), console.pack.zone, words_of(request), clock.rate)


@dataclass(frozen=True)
class Person:
    """The person who is signed in."""

    request: Request
    session: Session
    console: Console

    @property
    def rights(self) -> Rights:
        """Their rights, as the newest token says them."""
        return self.session.rights

    def may(self, *scopes: str) -> bool:
        """Whether they hold all of these scopes."""
        return self.rights.may(*scopes)

    @cached_property
    def words(self) -> Words:
        """The words in their language."""
        return words_of(self.request)

    @cached_property
    def moments(self) -> Moments:
        """Times for their page."""
        return moments_of(self.request)

    @cached_property
    def calls(self) -> Calls:
        """Their way to the services."""
        return Calls(self.console.http, self.console.settings.services, self.token, language=self.words.language)

    async def token(self) -> str:
        """Their access token, renewed if it ends soon. The rights are those of the new token."""
        session = self.session
        async with session.renewing:
            if session.ended:
                raise SignedOut
            if session.tokens.expires_at - time.time() < _RENEW_SECONDS:
                await self._renew()
            return session.tokens.access

    async def _renew(self) -> None:
        session = self.session
        try:
            fresh = await self.console.issuer.renew(session.tokens, subject=session.subject)
        except SignedOut:
            self.console.sessions.end(session)
            raise
        except IssuerAway:
            if session.tokens.expires_at <= time.time():
                raise
            return
        session.tokens, session.rights, session.name = fresh.tokens, fresh.rights, fresh.name

    async def shared(self, name: str, make: Callable[[], Awaitable[Any]], *, seconds: float) -> Any:
        """An answer that people with exactly the same rights share for some seconds. If it depends on the language, the
        name must tell the language."""
        return await self.console.shared.get(self.rights, name, make, seconds=seconds)


async def signed_in(request: Request) -> Person:
    """The person who is signed in. Raises SignedOut."""
    session = session_of(request)
    if session is None:
        raise SignedOut
    person = Person(request, session, console_of(request))
    await person.token()
    return person


SignedInPerson = Annotated[Person, Depends(signed_in)]


def seen_by(*scopes: str, staff: bool = False) -> Any:
    """A dependency: the person who is signed in and holds all of these scopes. For others the page does not exist.

    `staff`: only people of the network, not those of an organisation.
    """

    async def admitted(person: SignedInPerson) -> Person:
        require(person, *scopes, staff=staff)
        return person

    return Depends(admitted)


def require(person: Person, *scopes: str, staff: bool = False) -> None:
    """NoSuchPage unless the person holds all of these scopes, and is of the network if `staff`."""
    if not person.may(*scopes) or (staff and not person.rights.staff):
        raise NoSuchPage


def local_path(told: str | None, default: str = "/") -> str:
    """A path of the console from a request; the default for anything that leads elsewhere."""
    if not told or not told.startswith("/") or told.startswith(("//", "/\\")) or "\\" in told:
        return default
    parts = urlsplit(told)
    if parts.scheme or parts.netloc or any(ord(character) < 32 for character in told):
        return default
    return told
