"""The local token issuer in its own container. In a real installation, the settings name an OpenID provider instead.

`python -m deploy.docker.issuer serve` listens on port 8000 of every address of the container; the port is published on
the loopback interface only. `... token CLIENT` prints a bearer token for a client of the pack:

    docker compose exec issuer python -m deploy.docker.issuer token reception-system
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.clients import ClientBook, UnknownClientError
from deploy.local.issuer import serve as serve_app
from deploy.local.issuer import serve_book, signing_key
from deploy.local.keyring import Keyring
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
    app = serve_book(tokens, book, key=os.environ["ENLACE_ISSUER_KEY"])
    serve_app(app, host="0.0.0.0", port=port)  # noqa: S104 (container)


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
