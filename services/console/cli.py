"""The commands of the console: `serve` and `words`."""

from typing import Annotated

import typer

from libs.chassis.cli import add_serve
from services.console import catalogues
from services.console.app import SERVICE, create_app

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@cli.callback()
def commands() -> None:
    """Commands of the console."""


add_serve(cli, SERVICE, create_app)


@cli.command("words")
def bring_words_up_to_date(
    check: Annotated[bool, typer.Option("--check", help="Change nothing. Name what is missing or wrong.")] = False,
) -> None:
    """Put all texts of the pages into the catalogues of the languages, and name what is not translated yet."""
    if not check:
        catalogues.update()
    found = catalogues.faults()
    for fault in found:
        typer.echo(fault, err=True)
    if check and found:
        raise typer.Exit(1)


if __name__ == "__main__":
    cli()
