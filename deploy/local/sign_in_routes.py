"""The routes of the local issuer for people: `/authorize` with the list of sample people, and `/end-session`."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749 import OAuth2Error
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from deploy.local.console_client import ConsoleClient
from deploy.local.oauth_server import IssuerRequest, IssuerServer
from deploy.local.people import PeopleBook
from deploy.local.people_grants import register_people
from deploy.local.sign_in_pages import STYLE, language_of, refused_page, sign_in_page, signed_out_page
from deploy.local.sign_ins import SignIns

COOKIE: Final = "enlace_issuer_form"
BODY_LIMIT_BYTES: Final = 20_000
_FIELDS_MOST: Final = 30
_OF_THE_FORM: Final = frozenset({"form_token", "subject", "cancel"})
Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class People:
    """The people who can sign in at the issuer, the client to which they sign in, and where browsers reach the issuer.

    `url` is the address of the issuer for browsers. It differs from `iss` where programs reach it by another name.
    """

    book: PeopleBook
    console: ConsoleClient
    url: str
    sign_ins: SignIns = field(default_factory=SignIns)
    others: tuple[ConsoleClient, ...] = ()
    """Further clients of the same kind; only tests have any."""

    def client(self, client_id: str) -> ConsoleClient | None:
        """The client with this id."""
        return next((one for one in (self.console, *self.others) if one.client_id == client_id), None)


class _Pages:
    """The handlers. The key of the form tokens lives as long as the process, as the sign-ins do."""

    def __init__(self, server: IssuerServer, people: People) -> None:
        self._server = server
        self._people = people
        self._key = secrets.token_bytes(32)

    async def ask(self, request: Request) -> Response:
        """Show the sample people, if the request is one that the console may make."""
        fields = request.query_params.multi_items()
        asked = self._as_request(request, fields)
        try:
            self._server.get_consent_grant(asked)  # type: ignore[no-untyped-call]
        except OAuth2Error as error:
            return self._refused(request, error)
        cookie = request.cookies.get(COOKIE) or secrets.token_urlsafe(24)
        page = sign_in_page(
            language_of(request),
            self._people.book.everybody(),
            fields=fields,
            form_token=self._form_token(cookie, fields),
            preselected=request.query_params.get("login_hint", ""),
        )
        response = HTMLResponse(page)
        response.set_cookie(COOKIE, cookie, httponly=True, samesite="strict", path="/authorize")
        return self._protected(response)

    async def answer(self, request: Request) -> Response:
        """Send the browser back to the console: with a code for the chosen person, or with the refusal."""
        sent = await _form(request)
        fields = [pair for pair in sent or () if pair[0] not in _OF_THE_FORM]
        if sent is None or not self._is_of_our_page(request, fields, dict(sent)):
            return self._protected(refused_page(language_of(request), "form_token", status=403))
        chosen = dict(sent)
        person = None if "cancel" in chosen else self._people.book.find(chosen.get("subject", ""))
        if person is None and "cancel" not in chosen:
            return self._protected(refused_page(language_of(request), "subject"))
        asked = self._as_request(request, fields)
        try:
            grant = self._server.get_consent_grant(asked)  # type: ignore[no-untyped-call]
        except OAuth2Error as error:
            return self._refused(request, error)
        response: Response = self._server.create_authorization_response(asked, grant_user=person, grant=grant)
        return self._protected(self._with_issuer(response))

    async def end(self, request: Request) -> Response:
        """End the sign-in that the ID token names (OpenID Connect RP-Initiated Logout)."""
        fields = request.query_params.multi_items() if request.method == "GET" else await _form(request)
        try:
            ending = self._server.validate_endpoint_request("end_session", self._as_request(request, fields or []))
        except OAuth2Error as error:
            return self._protected(refused_page(language_of(request), str(error.error)))
        response = self._server.create_endpoint_response("end_session", ending)  # type: ignore[no-untyped-call]
        return self._protected(response or signed_out_page(language_of(request)))

    def _as_request(self, request: Request, fields: Fields) -> IssuerRequest:
        headers = {name.title(): value for name, value in request.headers.items()}
        return IssuerRequest(request.method, str(request.url), fields, headers)

    def _refused(self, request: Request, error: OAuth2Error) -> Response:
        """The error for the client, if its redirect URI has been checked; otherwise a page that leads nowhere."""
        if not getattr(error, "redirect_uri", None):
            return self._protected(refused_page(language_of(request), str(error.error)))
        return self._protected(self._with_issuer(self._server.handle_error_response(None, error)))  # type: ignore[no-untyped-call]

    def _with_issuer(self, response: Response) -> Response:
        """Name the issuer in the answer (RFC 9207), so that a client of several issuers cannot mix them up."""
        if "location" in response.headers:
            iss = {"iss": self._server.tokens.issuer}
            response.headers["location"] = add_params_to_uri(response.headers["location"], iss)  # type: ignore[no-untyped-call]
        return response

    def _form_token(self, cookie: str, fields: Fields) -> str:
        return hmac.new(self._key, repr((cookie, sorted(fields))).encode(), hashlib.sha256).hexdigest()

    def _is_of_our_page(self, request: Request, fields: Fields, sent: dict[str, str]) -> bool:
        """True if this browser got the form from this issuer, for exactly this request."""
        origin, cookie = request.headers.get("origin"), request.cookies.get(COOKIE, "")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            return False
        expected = self._form_token(cookie, fields)
        return bool(cookie) and hmac.compare_digest(expected.encode(), sent.get("form_token", "").encode())

    def _protected(self, response: Response) -> Response:
        """Browsers apply `form-action` to the redirect after the form too, so the console is in it."""
        response.headers.update(
            {
                "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; "
                f"frame-ancestors 'none'; form-action 'self' {self._people.console.url}",
                "Cache-Control": "no-store",
                "Referrer-Policy": "same-origin",
                "X-Content-Type-Options": "nosniff",
                "X-Frame-Options": "DENY",
            }
        )
        return response


def sign_in_routes(server: IssuerServer, people: People) -> APIRouter:
    """Let people sign in at the server, and return the routes for their browsers."""
    register_people(server, people.book, people.sign_ins)
    router, pages = APIRouter(), _Pages(server, people)
    router.add_api_route("/authorize", pages.ask, methods=["GET"])
    router.add_api_route("/authorize", pages.answer, methods=["POST"])
    router.add_api_route("/end-session", pages.end, methods=["GET", "POST"])

    @router.get("/sign-in.css")
    async def style() -> Response:
        """The style of the pages."""
        return Response(STYLE, media_type="text/css")

    return router


def people_metadata(people: People) -> dict[str, Any]:
    """What OpenID Connect Discovery adds to the metadata of the issuer."""
    return {
        "authorization_endpoint": f"{people.url}/authorize",
        "end_session_endpoint": f"{people.url}/end-session",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["client_credentials", "authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "sid", "name"],
        "ui_locales_supported": ["es", "en"],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


async def _form(request: Request) -> list[tuple[str, str]] | None:
    """The fields of a form; None if it is too large or is not one."""
    if int(request.headers.get("content-length") or 0) > BODY_LIMIT_BYTES:
        return None
    try:
        text = (await request.body()).decode("ascii")
        if len(text) > BODY_LIMIT_BYTES:
            return None
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS_MOST)
    except ValueError:
        return None
