"""`signing-key new`: a private key with which a service signs its events, and the public key that readers need."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from libs.events.cli.output import ended
from libs.events.topics import TOPICS
from libs.events.trusted_keys import jwk_of

WRITERS = sorted({topic.writer for topic in TOPICS.values() if topic.writer is not None})

signing_key = typer.Typer(help="Keys with which services sign events.", no_args_is_help=True)


@signing_key.callback()
def _group() -> None:
    """Keep `new` as a subcommand, although it is the only one."""


@signing_key.command()
def new(
    service: Annotated[str, typer.Option("--service", help=f"One of {', '.join(WRITERS)}.")],
    out: Annotated[Path, typer.Option("--out", help="The file for the private key; it must not exist yet.")],
) -> None:
    """Create a key pair, write the private key to a file for its owner only, and print the public key (JWK)."""
    if service not in WRITERS:
        raise typer.BadParameter(f"one of {', '.join(WRITERS)}", param_hint="--service")
    key = Ed25519PrivateKey.generate()
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ended([f"the file can't be made: {type(error).__name__}"]) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    typer.echo(json.dumps(jwk_of(key.public_key(), service)))
