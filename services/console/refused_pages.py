"""Pages for everything that goes wrong: a session that has ended, a service that is away, a page that does not exist.

A form that could not be sent is shown again with everything that was typed; nothing of it is kept by the console.
"""

from __future__ import annotations

from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.chassis.errors import Refusal
from libs.chassis.logs import get_logger
from services.console.errors import IssuerAway, NoSuchPage, Refused, ServiceAway, SignedOut, SignInRefused
from services.console.forms import ForeignForm, FormOutdated, typed_fields
from services.console.pages import render
from services.console.people import console_of, session_of

log = get_logger(__name__)


def install(app: FastAPI) -> None:
    """Make every exception of a route a page."""
    app.add_exception_handler(SignedOut, _of_signed_out)
    app.add_exception_handler(FormOutdated, _of_outdated)
    app.add_exception_handler(ForeignForm, _of_foreign)
    app.add_exception_handler(NoSuchPage, _of_nothing)
    app.add_exception_handler(RequestValidationError, _of_nothing)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(SignInRefused, _of_sign_in)
    app.add_exception_handler(IssuerAway, _of_issuer)
    app.add_exception_handler(ServiceAway, _of_service)
    app.add_exception_handler(Refused, _of_refused)
    app.add_exception_handler(Refusal, _of_refusal)
    app.add_middleware(Mishaps)


def _is_part(request: Request) -> bool:
    """Whether a script asks for a part of a page that the browser shows already."""
    return request.headers.get("hx-request") == "true"


async def _of_signed_out(request: Request, _: Exception) -> Response:
    """To the sign-in, and afterwards back to the same page. A form is shown again first."""
    session = session_of(request)
    if session is not None:
        console_of(request).sessions.end(session)
    if request.method != "GET":
        return render(request, "ended.html", status=401, fields=typed_fields(request), to=request.url.path)
    to = request.headers.get("hx-current-path") or request.url.path
    if request.url.query and not _is_part(request):
        to = f"{to}?{request.url.query}"
    address = f"/sign-in?to={quote(to, safe='')}"
    if _is_part(request):
        return Response(status_code=204, headers={"HX-Redirect": address, "Cache-Control": "no-store"})
    return RedirectResponse(address, 303, {"Cache-Control": "no-store"})


async def _of_outdated(request: Request, _: Exception) -> Response:
    return render(request, "check_again.html", status=409, fields=typed_fields(request), to=request.url.path)


async def _of_foreign(request: Request, _: Exception) -> Response:
    log.warning("form.foreign")
    return render(request, "refused.html", status=403, code="foreign-form", problem=None)


async def _of_nothing(request: Request, _: Exception) -> Response:
    return render(request, "not_found.html", status=404)


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return render(request, "not_found.html", status=404)
    return render(request, "refused.html", status=error.status_code, code="method-not-allowed", problem=None)


async def _of_sign_in(request: Request, error: Exception) -> Response:
    assert isinstance(error, SignInRefused)
    return render(request, "sign_in_refused.html", status=403, code=error.code)


async def _of_issuer(request: Request, _: Exception) -> Response:
    return render(request, "issuer_away.html", status=503, fields=typed_fields(request), to=request.url.path)


async def _of_service(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceAway)
    fields = typed_fields(request)
    return render(request, "service_away.html", status=503, service=error.service, fields=fields, to=request.url.path)


async def _of_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    problem = error.problem
    if problem.status == 404:
        return render(request, "not_found.html", status=404)
    return render(request, "refused.html", status=problem.status, code=problem.code, problem=problem)


async def _of_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return render(request, "refused.html", status=error.status, code=error.code, problem=None)


class Mishaps:
    """ASGI middleware: an error that nobody has foreseen is logged by type and place, and answered with a page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Refusal:
            raise
        except Exception as error:
            if started:
                raise
            log.error("page.failed", error=error, route=getattr(scope.get("route"), "path", None))
            await render(Request(scope), "mishap.html", status=500)(scope, receive, send)
