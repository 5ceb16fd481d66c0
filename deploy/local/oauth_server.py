"""The local issuer's OAuth 2.0 server on Authlib, without a web framework, and its grant for programs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientCredentialsGrant, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from fastapi import Response
from fastapi.responses import JSONResponse

from deploy.local.audiences import audience_of_resource, audiences_of, narrowed
from deploy.local.console_client import ConsoleClient
from deploy.local.tokens import AccessTokens, Client

AnyClient = Client | ConsoleClient
FindClient = Callable[[str], AnyClient | None]


class _Payload(BasicOAuth2Payload):
    """The fields of a request. `datalist` keeps repeated ones, because Authlib refuses some of them."""

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        super().__init__(dict(fields))  # type: ignore[no-untyped-call]
        self._all: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in fields:
            self._all[name].append(value)

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return self._all


class IssuerRequest(OAuth2Request):
    """A request as Authlib reads it: its form fields, or the parameters of its query."""

    payload: Any

    def __init__(self, method: str, uri: str, fields: Sequence[tuple[str, str]], headers: dict[str, str]) -> None:
        super().__init__(method, uri, headers=headers)
        self.payload = _Payload(fields)
        self.resources = [value for name, value in fields if name == "resource"]

    @property
    def form(self) -> dict[str, str]:
        """The form fields."""
        return dict(self.payload.data)


class _InvalidTargetError(OAuth2Error):
    error = "invalid_target"


class ProgramGrant(ClientCredentialsGrant):
    """Client credentials."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

    def validate_token_request(self) -> None:
        """Validate as RFC 6749 requires. With `resource` (RFC 8707), the token is valid only for those services."""
        super().validate_token_request()  # type: ignore[no-untyped-call]
        request: Any = self.request
        client: Client = request.client
        if not request.resources:
            return
        asked = [audience_of_resource(resource) for resource in request.resources]
        if not set(asked) <= set(audiences_of(client.scopes)):
            raise _InvalidTargetError
        request.client = replace(client, audience=tuple(dict.fromkeys(asked)), scopes=narrowed(client.scopes, asked))
        self.validate_requested_scope()  # type: ignore[no-untyped-call]


class IssuerServer(AuthorizationServer):
    """Gets an `IssuerRequest` and returns a response."""

    def __init__(self, tokens: AccessTokens, find_client: FindClient) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tokens = tokens
        self._find_client = find_client
        self.register_grant(ProgramGrant)  # type: ignore[no-untyped-call]
        self.register_token_generator("default", tokens)  # type: ignore[no-untyped-call]

    def query_client(self, client_id: str) -> AnyClient | None:
        """The client with this id."""
        return self._find_client(client_id)

    def create_oauth2_request(self, request: IssuerRequest) -> IssuerRequest:
        """The same request: it is made for Authlib already."""
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Response:
        """The response for FastAPI: JSON, or a redirect."""
        if 300 <= status < 400:
            # 303, so that the browser does not send the form again to the console.
            return Response(status_code=303, headers=dict(headers))
        return JSONResponse(dict(body), status_code=status, headers=dict(headers))

    def save_token(self, token: dict[str, Any], request: IssuerRequest) -> None:
        """Stores nothing, because an access token is verified by its signature. Grants of people store more."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Does nothing, because no code receives these signals."""
