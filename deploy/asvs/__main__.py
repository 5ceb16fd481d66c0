"""ASVS: `python -m deploy.asvs check` for `make check`, `... write` after a change of `docs/security/asvs.yaml`."""

import sys

import typer

from deploy.asvs.page import PAGE, page
from deploy.asvs.table import faults, levels, table
from deploy.local.installation import ROOT

cli = typer.Typer(help=__doc__, no_args_is_help=True)


@cli.command("check")
def check_command() -> None:
    """Exit 1 if the table has a gap, names missing code or tests, or the page is out of date."""
    found = faults(table(), levels().requirements, ROOT)
    path = ROOT / PAGE
    if not found and (not path.exists() or path.read_text(encoding="utf-8") != page()):
        found = [f"{PAGE} is not up to date; run `python -m deploy.asvs write`"]
    for fault in found:
        typer.echo(f"asvs: {fault}", err=True)
    if found:
        sys.exit(1)
    typer.echo(f"asvs: {PAGE} is up to date")


@cli.command("write")
def write_command() -> None:
    """Write the page."""
    (ROOT / PAGE).write_text(page(), encoding="utf-8")
    typer.echo(f"asvs: {PAGE} written")


if __name__ == "__main__":
    cli()
