"""`python -m deploy.screenshots` (make screenshots): takes the pictures of the console in docs/pictures."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from deploy.browser.finding import NoBrowserError, find
from deploy.demo.client import CallError
from deploy.local.installation import DEFAULT_PACK, DEFAULT_STATE, ROOT
from deploy.local.jars import FetchError
from deploy.local.locks import AlreadyRunningError
from deploy.local.processes import StartError
from deploy.screenshots.pictures import PICTURES, PictureError, take
from deploy.screenshots.scene import scene

FOLDER = ROOT / "docs" / "pictures"
STATE = DEFAULT_STATE / "screenshots"
FAILURES = (StartError, FetchError, AlreadyRunningError, CallError, PictureError, NoBrowserError, TimeoutError)


def main(
    only: Annotated[list[str] | None, typer.Argument(help="Names of pictures; default: all.")] = None,
    folder: Annotated[Path, typer.Option(help="Where the pictures are written.")] = FOLDER,
    state: Annotated[Path, typer.Option(help="Directory for the state of this system; it is emptied.")] = STATE,
) -> None:
    """Start a system with invented people, sign in as several of them, and take the pictures."""
    if unknown := set(only or ()) - {picture.name for picture in PICTURES}:
        raise typer.BadParameter(f"there is no picture {', '.join(sorted(unknown))}")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(_run(only or [], folder, state))
    except FAILURES as error:
        typer.echo(str(error) or type(error).__name__, err=True)
        raise typer.Exit(1) from error


async def _run(only: list[str], folder: Path, state: Path) -> None:
    chromium = await asyncio.to_thread(find)
    if chromium is None:
        raise NoBrowserError("there is no Chromium; `make setup-browser` fetches one")
    async with scene(state, DEFAULT_PACK, say=_say) as shown:
        pictures = [picture for picture in PICTURES if not only or picture.name in only]
        await take(shown, pictures, chromium=chromium, folder=folder, say=_say)


def _say(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
