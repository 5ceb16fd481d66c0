"""`python -m deploy.accesses --returnee ID | --by CLIENT`: who has read a person's data, or what a caller has read.

Runs the command `accesses` of registration and referral with the environment that each needs, and sorts their output by
time. If they are installed on different machines, run the command there and join the lines.
"""

import json
import subprocess
import sys
from typing import Annotated

import typer

SERVICES = ("registration", "referral")
cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def accesses(
    arguments: Annotated[list[str], typer.Argument(help="The same arguments as for the command of the services.")],
) -> None:
    """Print the record as JSON lines, the oldest access first."""
    lines = [line for service in SERVICES for line in _said(service, arguments)]
    for line in sorted(lines, key=lambda line: str(json.loads(line)["at"])):
        typer.echo(line)


def _said(service: str, arguments: list[str]) -> list[str]:
    command = [sys.executable, "-m", f"services.{service}.cli", "accesses", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)  # noqa: S603 (our own commands)
    return done.stdout.splitlines()


if __name__ == "__main__":
    cli()
