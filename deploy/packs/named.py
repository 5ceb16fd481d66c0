"""The packs of the project by name, for command lines."""

from pathlib import Path
from typing import Annotated

import typer

PACKS = Path(__file__).resolve().parent


def pack_named(name: str) -> Path:
    """The pack of the project with this name, or the pack in the folder with this path.

    Raises BadParameter, which names the packs of the project.
    """
    for folder in (PACKS / name, Path(name)):
        if (folder / "taxonomy.yaml").exists():
            return folder.resolve()
    known = ", ".join(sorted(path.parent.name for path in PACKS.glob("*/taxonomy.yaml")))
    raise typer.BadParameter(f"no pack has this name, and no folder with this path contains one; known: {known}")


PackOption = Annotated[
    Path,
    typer.Option(
        "--pack",
        parser=pack_named,
        metavar="PACK",
        help="Country pack: the name of one of the project's, or a directory.",
    ),
]
