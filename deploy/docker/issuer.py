"""The local token issuer in its own container. In a real installation, the settings name an OpenID provider instead.

`python -m deploy.docker.issuer serve` listens on port 8000 of every address of the container. Its sample people sign in
without a password, so the port must be published on the loopback interface only; `ENLACE_ISSUER_PUBLISHED_ON` states
this address, and the issuer does not start without it. `ENLACE_ISSUER_NAMES` are the names under which other containers
reach it, separated by commas; its pages for people are refused under these names. `ENLACE_ISSUER_URL` is its address
for browsers, `ENLACE_CONSOLE_URL` that of the console; without the latter, nobody signs in.

`... token CLIENT` prints a bearer token for a client of the pack:

    docker compose exec issuer python -m deploy.docker.issuer token reception-system
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.clients import ClientBook, UnknownClientError
from deploy.local.console_client import CONSOLE_SECRET, ConsoleClient
from deploy.local.issuer import serve as serve_app
from deploy.local.issuer import serve_book, signing_key
from deploy.local.keyring import Keyring
from deploy.local.people import PeopleBook
from deploy.local.sign_in_routes import People
from deploy.local.tokens import AccessTokens

NOTIFICATIONS_CLIENT = "notifications-service"

cli = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)


def _issuer() -> tuple[AccessTokens, ClientBook]:
    """The tokens and clients of this installation; their secrets are stored in `ENLACE_ISSUER_STATE`, on a volume."""
    state = Path(os.environ["ENLACE_ISSUER_STATE"])
    keyring = Keyring(state / "keys.json")
    # Another container also needs this secret, so it comes from the environment. The other secrets are made here.
    keyring.get(f"client-{NOTIFICATIONS_CLIENT}", lambda: os.environ["ENLACE_CLIENT_SECRET"])
    tokens = AccessTokens(issuer=os.environ["ENLACE_TOKEN_ISSUER"], key=signing_key(keyring))
    return tokens, ClientBook(pack=Path(os.environ["ENLACE_PACK"]), state=state, keyring=keyring)


@cli.command()
def serve(port: Annotated[int, typer.Option()] = 8000) -> None:
    """Serve until a signal arrives."""
    tokens, book = _issuer()
    published_on = os.environ.get("ENLACE_ISSUER_PUBLISHED_ON", "unknown addresses")
    names = os.environ.get("ENLACE_ISSUER_NAMES", "").split(",")
    app = serve_book(tokens, book, key=os.environ["ENLACE_ISSUER_KEY"], people=_people(tokens), names=names)
    serve_app(app, host="0.0.0.0", port=port, published_on=published_on)  # noqa: S104 (container)


def _people(tokens: AccessTokens) -> People | None:
    """The people who sign in to the console. Its container has the same secret in its own environment."""
    console_url = os.environ.get("ENLACE_CONSOLE_URL")
    if not console_url:
        return None
    keyring = Keyring(Path(os.environ["ENLACE_ISSUER_STATE"]) / "keys.json")
    secret = os.environ.get("ENLACE_CONSOLE_CLIENT_SECRET") or keyring.get(CONSOLE_SECRET)
    book = PeopleBook(Path(os.environ["ENLACE_PACK"]))
    return People(
        book, ConsoleClient(url=console_url, secret=secret), url=os.environ.get("ENLACE_ISSUER_URL", tokens.issuer)
    )


@cli.command()
def token(client: Annotated[str, typer.Argument(help="A client of the pack.")]) -> None:
    """Print a bearer token for a client; it is valid for an hour."""
    tokens, book = _issuer()
    try:
        known = book.get(client)
    except UnknownClientError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    scope = " ".join(sorted(known.scopes))
    made = tokens.generate("client_credentials", known, scope=scope, include_refresh_token=False)  # type: ignore[no-untyped-call]
    sys.stdout.write(f"{made['access_token']}\n")


if __name__ == "__main__":
    cli()
