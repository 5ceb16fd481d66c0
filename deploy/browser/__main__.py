"""`python -m deploy.browser` (make setup-browser): prints the path of a Chromium, and fetches one if there is none."""

import sys
from typing import Annotated

import typer

from deploy.browser.fetching import fetch
from deploy.browser.finding import NoBrowserError, find, remember


def main(
    optional: Annotated[bool, typer.Option("--optional", help="Exit with 0 if there is none.")] = False,
) -> None:
    """Print the path of a Chromium. The tests and `make screenshots` find it there afterwards."""
    try:
        path = find() or fetch(lambda step: typer.echo(step, err=True))
    except NoBrowserError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(0 if optional else 1) from error
    remember(path)
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
