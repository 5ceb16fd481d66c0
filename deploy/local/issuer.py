"""A small OAuth 2.0 and OpenID Connect issuer for local runs and tests, on Authlib.

In production, the settings name an OpenID provider. This issuer makes the same kind of tokens, so that the services
need no other configuration. Programs get them with client credentials; people sign in with the code flow and PKCE. Its
clients come from the country pack and from `make partner`, its people from `people.yaml` of the pack. Secrets are
generated here and never committed. A person proves nothing, so the issuer is for one's own machine only.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl

import typer
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from joserfc.jwk import ECKey

from deploy.local.clients import ClientBook
from deploy.local.console_client import CONSOLE_SECRET, ConsoleClient
from deploy.local.issuer_admin import admin_routes
from deploy.local.keyring import Keyring
from deploy.local.loopback import OwnHostOnly, require_loopback
from deploy.local.oauth_server import AnyClient, IssuerRequest, IssuerServer, ProgramGrant
from deploy.local.people import PeopleBook
from deploy.local.sign_in_routes import BODY_LIMIT_BYTES, People, people_metadata, sign_in_routes
from deploy.local.tokens import PEOPLE_SECONDS, AccessTokens, Client, new_key
from libs.chassis.http_settings import HttpSettings
from libs.chassis.peers import peer_of
from libs.chassis.rates import Limit
from libs.chassis.serving import Server, ServerConfig

FindClient = Callable[[str], Client | None]


def admin_key(keyring: Keyring) -> str:
    """The key with which the installation's commands read and add clients; generated at first use."""
    return keyring.get("issuer-admin")


def serve_book(
    tokens: AccessTokens, book: ClientBook, *, key: str, people: People | None = None, names: Collection[str] = ()
) -> FastAPI:
    """The issuer for the clients of a book, with the routes that read and add clients."""
    app = create_issuer(tokens, book.find, people=people, names=names)
    app.include_router(admin_routes(book, key))
    return app


def create_issuer(
    tokens: AccessTokens,
    find_client: FindClient,
    limits: HttpSettings | None = None,
    *,
    people: People | None = None,
    names: Collection[str] = (),
) -> FastAPI:
    """The issuer as an app: `/token`, `/jwks`, its metadata and `/readyz`; with `people`, also their sign-in.

    Without `limits`, the settings in the environment apply. `names` are those of `OwnHostOnly`.
    """
    # The issuer is reached only over the loopback interface, where the TLS that Authlib requires would protect nothing.
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    app = FastAPI(title="Enlace local token issuer", docs_url=None, redoc_url=None)
    app.add_middleware(OwnHostOnly, names=names)

    def find(client_id: str) -> AnyClient | None:
        return (people and people.client(client_id)) or find_client(client_id)

    server = IssuerServer(tokens, find)
    if people is not None:
        app.include_router(sign_in_routes(server, people))
    app.include_router(_program_routes(server, (limits or HttpSettings()).rate_secrets_per_minute))
    described = _metadata(tokens.issuer) | (people_metadata(people) if people else {})

    @app.get("/.well-known/oauth-authorization-server")
    @app.get("/.well-known/openid-configuration")
    async def metadata() -> dict[str, Any]:
        """The metadata of the issuer (RFC 8414, OpenID Connect Discovery)."""
        return described

    return app


def _program_routes(server: IssuerServer, wrong_secrets_per_minute: int) -> APIRouter:
    router, wrong = APIRouter(), Limit("secrets", wrong_secrets_per_minute)

    @router.post("/token")
    async def token(request: Request) -> Response:
        """Issue a token to a client that authenticates (RFC 6749, 4.1.3, 4.4 and 6)."""
        return await _token(request, server, wrong)

    @router.get("/jwks")
    async def jwks() -> dict[str, Any]:
        """The public keys (RFC 7517)."""
        return server.tokens.public_keys()

    @router.get("/readyz")
    async def readyz() -> dict[str, bool]:
        """Answers if the issuer is running."""
        return {"ready": True}

    return router


async def _token(request: Request, server: IssuerServer, wrong: Limit) -> Response:
    if int(request.headers.get("content-length") or 0) > BODY_LIMIT_BYTES:
        return JSONResponse({"error": "invalid_request"}, status_code=413)
    try:
        fields = parse_qsl((await request.body()).decode("ascii"), strict_parsing=False)
    except ValueError:
        return JSONResponse({"error": "invalid_request"}, status_code=400)
    headers = {name.title(): value for name, value in request.headers.items()}
    asked = IssuerRequest("POST", str(request.url), fields, headers)
    return _bounded(lambda: server.create_token_response(asked), wrong, _who_tries(request, fields))  # type: ignore[no-untyped-call]


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


def _bounded(answer: Callable[[], Response], wrong: Limit, who: str) -> Response:
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
        "token_endpoint_auth_methods_supported": ProgramGrant.TOKEN_ENDPOINT_AUTH_METHODS,
    }


def signing_key(keyring: Keyring) -> ECKey:
    """The installation's signing key, generated at first use."""
    return ECKey.import_key(json.loads(keyring.get("issuer-key", lambda: json.dumps(new_key().as_dict(private=True)))))


def main(
    port: Annotated[int, typer.Option()],
    state: Annotated[Path, typer.Option(help="Directory that keeps the key, the secrets and partners' clients.")],
    pack: Annotated[Path, typer.Option(help="Directory of the country pack.")],
    issuer: Annotated[str, typer.Option(help="The `iss` of its tokens, and its address.")],
    console_url: Annotated[str | None, typer.Option(help="The console's address; without it, nobody signs in.")] = None,
    people_token_seconds: Annotated[
        int, typer.Option(min=40, max=3600, help="How long a person's access token is valid.")
    ] = PEOPLE_SECONDS,
    host: Annotated[str, typer.Option(help="The address to listen at: a loopback address.")] = "127.0.0.1",
) -> None:
    """Serve until a signal arrives."""
    keyring = Keyring(state / "keys.json")
    book = ClientBook(pack=pack, state=state, keyring=keyring)
    tokens = AccessTokens(issuer=issuer, key=signing_key(keyring), people_seconds=people_token_seconds)
    people = None
    if console_url is not None:
        console = ConsoleClient(url=console_url, secret=keyring.get(CONSOLE_SECRET))
        people = People(PeopleBook(pack), console, url=issuer)
    serve(serve_book(tokens, book, key=admin_key(keyring), people=people), host=host, port=port)


def serve(app: FastAPI, *, host: str, port: int, published_on: str | None = None) -> None:
    """Serve the issuer until a signal arrives. Raises NotLoopbackError, see `require_loopback`."""
    require_loopback(host, published_on=published_on)
    with suppress(KeyboardInterrupt):
        Server(ServerConfig(app, HttpSettings(), host=host, port=port)).run()


if __name__ == "__main__":
    typer.run(main)
