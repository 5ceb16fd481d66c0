"""Lifecycles: `python -m deploy.lifecycles check` for `make check`, `... write` after a change of a table of states."""

import sys

import typer

from deploy.lifecycles.page import PAGE, page
from deploy.local.installation import ROOT

cli = typer.Typer(help=__doc__, no_args_is_help=True)


@cli.command("check")
def check_command() -> None:
    """Exit 1 if the page is out of date."""
    path = ROOT / PAGE
    if not path.exists() or path.read_text(encoding="utf-8") != page():
        typer.echo(f"lifecycles: {PAGE} is not up to date; run `python -m deploy.lifecycles write`", err=True)
        sys.exit(1)
    typer.echo(f"lifecycles: {PAGE} is up to date")


@cli.command("write")
def write_command() -> None:
    """Write the page."""
    (ROOT / PAGE).write_text(page(), encoding="utf-8")
    typer.echo(f"lifecycles: {PAGE} written")


if __name__ == "__main__":
    cli()
