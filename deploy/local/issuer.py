"""A small OAuth 2.0 issuer for local runs and tests (client credentials only), on Authlib.

In production, the settings name an OpenID provider. This issuer makes the same kind of tokens, so that the services
need no other configuration. Its clients come from the country pack and from `make partner`. Their secrets are generated
here and never committed.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl

import typer
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientCredentialsGrant, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from joserfc.jwk import ECKey

from deploy.local.audiences import audience_of_resource, audiences_of, narrowed
from deploy.local.clients import ClientBook
from deploy.local.issuer_admin import admin_routes
from deploy.local.keyring import Keyring
from deploy.local.tokens import AccessTokens, Client, new_key
from libs.chassis.http_settings import HttpSettings
from libs.chassis.peers import peer_of
from libs.chassis.rates import Limit
from libs.chassis.serving import Server, ServerConfig

FindClient = Callable[[str], Client | None]
BODY_LIMIT_BYTES = 20_000


class _TokenRequest(OAuth2Request):
    payload: Any

    def __init__(self, uri: str, fields: Sequence[tuple[str, str]], headers: dict[str, str]) -> None:
        super().__init__("POST", uri, headers=headers)
        self.payload = BasicOAuth2Payload(dict(fields))  # type: ignore[no-untyped-call]
        self.resources = [value for name, value in fields if name == "resource"]

    @property
    def form(self) -> dict[str, str]:
        return dict(self.payload.data)


class _InvalidTargetError(OAuth2Error):
    error = "invalid_target"


class _Grant(ClientCredentialsGrant):
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


class _Server(AuthorizationServer):
    """Authlib's server without a web framework: it gets a `_TokenRequest` and returns a JSON response."""

    def __init__(self, tokens: AccessTokens, find_client: FindClient) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._find_client = find_client
        self.register_grant(_Grant)  # type: ignore[no-untyped-call]
        self.register_token_generator("default", tokens)  # type: ignore[no-untyped-call]

    def query_client(self, client_id: str) -> Client | None:
        return self._find_client(client_id)

    def create_oauth2_request(self, request: _TokenRequest) -> _TokenRequest:
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> JSONResponse:
        return JSONResponse(dict(body), status_code=status, headers=dict(headers))

    def save_token(self, token: dict[str, Any], request: _TokenRequest) -> None:
        """Stores nothing, because a token is verified by its signature."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Does nothing, because no code receives these signals."""


def admin_key(keyring: Keyring) -> str:
    """The key with which the installation's commands read and add clients; generated at first use."""
    return keyring.get("issuer-admin")


def serve_book(tokens: AccessTokens, book: ClientBook, *, key: str) -> FastAPI:
    """The issuer for the clients of a book, with the routes that read and add clients."""
    app = create_issuer(tokens, book.find)
    app.include_router(admin_routes(book, key))
    return app


def create_issuer(tokens: AccessTokens, find_client: FindClient, limits: HttpSettings | None = None) -> FastAPI:
    """The issuer as an app: `/token`, `/jwks`, RFC 8414 metadata and `/readyz`.

    Without `limits`, the settings in the environment apply.
    """
    # The issuer is reached only over the loopback interface, where the TLS that Authlib requires would protect nothing.
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    app = FastAPI(title="Enlace local token issuer", docs_url=None, redoc_url=None)
    server = _Server(tokens, find_client)
    wrong = Limit("secrets", (limits or HttpSettings()).rate_secrets_per_minute)

    @app.post("/token")
    async def token(request: Request) -> JSONResponse:
        """Issue a token to a client that authenticates (RFC 6749, 4.4)."""
        if int(request.headers.get("content-length") or 0) > BODY_LIMIT_BYTES:
            return JSONResponse({"error": "invalid_request"}, status_code=413)
        try:
            fields = parse_qsl((await request.body()).decode("ascii"), strict_parsing=False)
        except ValueError:
            return JSONResponse({"error": "invalid_request"}, status_code=400)
        headers = {name.title(): value for name, value in request.headers.items()}
        asked = _TokenRequest(str(request.url), fields, headers)
        return _bounded(lambda: server.create_token_response(asked), wrong, _who_tries(request, fields))  # type: ignore[no-untyped-call]

    @app.get("/jwks")
    async def jwks() -> dict[str, Any]:
        """The public keys (RFC 7517)."""
        return tokens.public_keys()

    @app.get("/.well-known/oauth-authorization-server")
    async def metadata() -> dict[str, Any]:
        """The metadata of the issuer (RFC 8414)."""
        return _metadata(tokens.issuer)

    @app.get("/readyz")
    async def readyz() -> dict[str, bool]:
        """Answers if the issuer is running."""
        return {"ready": True}

    return app


def _who_tries(request: Request, fields: Sequence[tuple[str, str]]) -> str:
    """One key from the caller's address and the client id that it claims.

    Wrong secrets are counted by this key, so they do not block the same client at another address.
    """
    peer = peer_of(request.client.host) if request.client else ""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        with suppress(ValueError):
            return f"{peer} {base64.b64decode(value).partition(b':')[0].decode('ascii', 'replace')}"
    return f"{peer} {dict(fields).get('client_id', '')}"


def _bounded(answer: Callable[[], JSONResponse], wrong: Limit, who: str) -> JSONResponse:
    """The answer; or, after too many wrong secrets, a 429 without a check of the secret."""
    left = wrong.take(who, cost=0)
    if left is not None and left.limited:
        headers = left.headers() | {"Retry-After": str(left.seconds)}
        return JSONResponse({"error": "temporarily_unavailable"}, status_code=429, headers=headers)
    told = answer()
    if told.status_code == 401:
        wrong.take(who)
    return told


def _metadata(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": _Grant.TOKEN_ENDPOINT_AUTH_METHODS,
    }


def signing_key(keyring: Keyring) -> ECKey:
    """The installation's signing key, generated at first use."""
    return ECKey.import_key(json.loads(keyring.get("issuer-key", lambda: json.dumps(new_key().as_dict(private=True)))))


def main(
    port: Annotated[int, typer.Option()],
    state: Annotated[Path, typer.Option(help="Directory that keeps the key, the secrets and partners' clients.")],
    pack: Annotated[Path, typer.Option(help="Directory of the country pack.")],
    issuer: Annotated[str, typer.Option(help="The `iss` of its tokens, and its address.")],
) -> None:
    """Serve on 127.0.0.1 until a signal arrives."""
    keyring = Keyring(state / "keys.json")
    book = ClientBook(pack=pack, state=state, keyring=keyring)
    tokens = AccessTokens(issuer=issuer, key=signing_key(keyring))
    serve(serve_book(tokens, book, key=admin_key(keyring)), host="127.0.0.1", port=port)


def serve(app: FastAPI, *, host: str, port: int) -> None:
    """Serve the issuer until a signal arrives."""
    with suppress(KeyboardInterrupt):
        Server(ServerConfig(app, HttpSettings(), host=host, port=port)).run()


if __name__ == "__main__":
    typer.run(main)
