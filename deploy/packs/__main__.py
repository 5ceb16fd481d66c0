"""Country packs: `python -m deploy.packs check FOLDER` before a pack is used, `publish` for its instruments."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.packs.check import faults
from libs.chassis.yaml_files import FaultyFileError
from libs.instruments.loading import FOLDER, to_publish
from libs.instruments.published import LOCK

cli = typer.Typer(help=__doc__, no_args_is_help=True)


@cli.command("check")
def check_command(pack: Annotated[Path, typer.Argument(help="Directory of the country pack.")]) -> None:
    """Exit 1 if a file of the pack is wrong, or if two files disagree; prints one line for each mistake."""
    found = faults(pack)
    for fault in found:
        typer.echo(f"pack: {fault}", err=True)
    if found:
        sys.exit(1)
    typer.echo(f"pack: {pack.resolve().name} is in order")


@cli.command("publish")
def publish_command(pack: Annotated[Path, typer.Argument(help="Directory of the country pack.")]) -> None:
    """Add the checksums of published instruments and their approved languages to the pack's lock file.

    Exit 1 if a version that is already published has changed.
    """
    try:
        added, lock = to_publish(pack)
    except FaultyFileError as error:
        for fault in error.faults:
            typer.echo(f"pack: {fault}", err=True)
        sys.exit(1)
    if added:
        (pack / FOLDER / LOCK).write_text(lock, encoding="utf-8")
    typer.echo(f"pack: published {', '.join(added) or 'nothing new'}")


if __name__ == "__main__":
    cli()
