"""Shut somebody out at once: `python -m libs.chassis.revoke --file FILE --client CLIENT`.

Every process whose `ENLACE_REVOCATIONS_FILE` names the file refuses the tokens within a second.
"""

import time
from pathlib import Path
from typing import Annotated

import typer

from libs.chassis.revocations import revoke


def main(
    file: Annotated[Path, typer.Option(envvar="ENLACE_REVOCATIONS_FILE", help="The list of the installation.")],
    token: Annotated[str | None, typer.Option(help="The jti of one token.")] = None,
    client: Annotated[str | None, typer.Option(help="All tokens of this client up to now.")] = None,
    subject: Annotated[str | None, typer.Option(help="All tokens of this subject up to now.")] = None,
    hours: Annotated[int, typer.Option(min=1, help="How long the line of a token is kept: longer than it lives.")] = 24,
) -> None:
    """Revoke a token, or all that a client or a subject has had until now. What is issued afterwards is good."""
    if token is None and client is None and subject is None:
        raise typer.BadParameter("name a token, a client or a subject")
    at = int(time.time())
    one = None if token is None else (token, at + hours * 3600)
    known = revoke(file, at=at, token=one, client=client, subject=subject)
    typer.echo(f"{len(known.tokens)} tokens, {len(known.clients)} clients, {len(known.subjects)} subjects are revoked")


if __name__ == "__main__":
    typer.run(main)
