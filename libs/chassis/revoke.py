"""Revoke tokens at once: `python -m libs.chassis.revoke --file FILE --client CLIENT`.

Every process whose `ENLACE_REVOCATIONS_FILE` names the file refuses the tokens within a second.
"""

import time
from pathlib import Path
from typing import Annotated

import typer

from libs.chassis.revocations import revoke


def main(
    file: Annotated[
        Path, typer.Option(envvar="ENLACE_REVOCATIONS_FILE", help="The file with the revocations of the installation.")
    ],
    token: Annotated[str | None, typer.Option(help="The jti of one token.")] = None,
    client: Annotated[str | None, typer.Option(help="Revoke all tokens that this client has now.")] = None,
    subject: Annotated[str | None, typer.Option(help="Revoke all tokens that this subject has now.")] = None,
    hours: Annotated[
        int, typer.Option(min=1, help="How long the entry of a token is kept; longer than the token is valid.")
    ] = 24,
) -> None:
    """Revoke a token, or all present tokens of a client or a subject. Tokens issued later are valid."""
    if token is None and client is None and subject is None:
        raise typer.BadParameter("name a token, a client or a subject")
    at = int(time.time())
    one = None if token is None else (token, at + hours * 3600)
    known = revoke(file, at=at, token=one, client=client, subject=subject)
    typer.echo(f"{len(known.tokens)} tokens, {len(known.clients)} clients, {len(known.subjects)} subjects are revoked")


if __name__ == "__main__":
    typer.run(main)
