"""Pages for signing in and out, the start page, and the choice of the language."""

from __future__ import annotations

import secrets
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.console import menu
from services.console.errors import SignInRefused
from services.console.forms import SentForm, sent_fields
from services.console.pages import go, render
from services.console.people import (
    Console,
    SignedInPerson,
    console_of,
    local_path,
    session_of,
    words_of,
)
from services.console.signin import actions
from services.console.words import all_words

router = APIRouter(include_in_schema=False)
_YEAR_SECONDS: Final = 31_536_000


def _browser_cookie(console: Console) -> str:
    return console.cookie("enlace-sign-in")


def _set(answer: Response, console: Console, name: str, value: str, *, seconds: int | None = None) -> None:
    """A cookie that no script reads. `Lax`, because the way back from the issuer begins at another site."""
    answer.set_cookie(
        name, value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=console.settings.is_https
    )


@router.get("/")
async def start(request: Request) -> Response:
    """The first view of a person who is signed in; for others, the page with the button."""
    session = session_of(request)
    return go(menu.first(session.rights)) if session is not None else render(request, "start.html")


@router.get("/nothing")
async def nothing(request: Request, person: SignedInPerson) -> Response:
    """For a person without any view."""
    return render(request, "nothing.html", person=person)


@router.get("/sign-in")
async def sign_in(request: Request, to: Annotated[str, Query()] = "/") -> Response:
    """Go to the issuer."""
    console = console_of(request)
    browser = request.cookies.get(_browser_cookie(console)) or secrets.token_urlsafe(32)
    language = words_of(request).language
    signins: actions.SignIns = request.app.state.sign_ins
    url = await signins.begin(console, browser=browser, to=local_path(to), language=language)
    answer = RedirectResponse(url, 303, {"Cache-Control": "no-store"})
    _set(answer, console, _browser_cookie(console), browser, seconds=actions.BEGUN_SECONDS)
    return answer


@router.get("/sign-in/callback")
async def callback(
    request: Request,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=2000)] = "",
    error: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """The way back from the issuer."""
    console = console_of(request)
    if error is not None or not code:
        raise SignInRefused("denied")
    browser = request.cookies.get(_browser_cookie(console), "")
    before = session_of(request)
    signins: actions.SignIns = request.app.state.sign_ins
    cookie, _, to = await signins.finish(console, browser=browser, state=state, code=code)
    if before is not None:
        console.sessions.end(before)
    answer = go(to)
    _set(answer, console, console.session_cookie, cookie)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, form: SentForm) -> Response:
    """End the session here and at the issuer."""
    console = console_of(request)
    answer = go(await actions.sign_out(console, form.person.session))
    answer.delete_cookie(console.session_cookie, path="/", httponly=True, secure=console.settings.is_https)
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@router.post("/language")
async def choose_language(request: Request) -> Response:
    """Keep the chosen language in this browser. Needs no session; the choice harms nobody."""
    fields = await sent_fields(request)
    chosen = (fields.get("language") or [""])[0]
    answer = go(local_path((fields.get("to") or ["/"])[0]))
    if chosen in all_words():
        console = console_of(request)
        _set(answer, console, console.language_cookie, chosen, seconds=_YEAR_SECONDS)
    return answer
