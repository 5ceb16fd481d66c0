"""Country packs: `python -m deploy.packs check FOLDER` before a pack is used."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.packs.check import faults

cli = typer.Typer(help=__doc__, no_args_is_help=True)


@cli.callback()
def _group() -> None:
    """Without this function, typer would not require the name of the only command."""


@cli.command("check")
def check_command(pack: Annotated[Path, typer.Argument(help="Directory of the country pack.")]) -> None:
    """Exit 1 if a file of the pack is wrong, or if two files disagree; prints one line for each mistake."""
    found = faults(pack)
    for fault in found:
        typer.echo(f"pack: {fault}", err=True)
    if found:
        sys.exit(1)
    typer.echo(f"pack: {pack.resolve().name} is in order")


if __name__ == "__main__":
    cli()
