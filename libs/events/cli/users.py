"""`users set`: sets the password of a user of Kafka."""

from pathlib import Path
from typing import Annotated

import typer

from libs.events.cli.options import AsJson, Brokers
from libs.events.cli.output import done, finish
from libs.events.users import set_passwords

users = typer.Typer(help="Users of Kafka.", no_args_is_help=True)
SHORTEST = 16


@users.command("set")
def set_password(
    user: Annotated[str, typer.Argument(help="The name of a service, reception system, operator or auditor.")],
    bootstrap_servers: Brokers,
    password_file: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="A file that contains only the password.")
    ],
    as_json: AsJson = False,
) -> None:
    """Create the user or change its password (SCRAM-SHA-512); run it as an administrator. Open connections continue."""
    password = password_file.read_text(encoding="utf-8").strip()
    if len(password) < SHORTEST:
        raise typer.BadParameter(f"a password must have at least {SHORTEST} characters", param_hint="--password-file")
    finish(set_passwords(bootstrap_servers, {user: password}))
    done(f"{user} has this password", as_json=as_json, user=user)
