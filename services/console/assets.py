"""Scripts, styles and pictures. They are in the tree, are read once, and have their hash in their address.

`static/SOURCES.md` names the version and the licence of each file that is not ours; a test checks its hash.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from services.console.errors import NoSuchPage

FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    name: str
    content: bytes

    @property
    def address(self) -> str:
        """Its address; it changes with the content, so browsers may keep the file for ever."""
        return f"/assets/{hashlib.sha256(self.content).hexdigest()[:16]}/{self.name}"

    @property
    def integrity(self) -> str:
        """Its hash in the form of Subresource Integrity (W3C)."""
        return f"sha384-{base64.b64encode(hashlib.sha384(self.content).digest()).decode()}"


@cache
def assets() -> dict[str, Asset]:
    """All files by name."""
    files = (file for file in sorted(FOLDER.iterdir()) if file.suffix in _TYPES)
    return {file.name: Asset(file.name, file.read_bytes()) for file in files}


def asset(name: str) -> str:
    """The address of a file, for templates."""
    return assets()[name].address


def script(name: str) -> Markup:
    """The element that loads a script."""
    found = assets()[name]
    return Markup('<script src="{}" integrity="{}" defer></script>').format(found.address, found.integrity)


def style(name: str) -> Markup:
    """The element that loads a style sheet."""
    found = assets()[name]
    return Markup('<link rel="stylesheet" href="{}" integrity="{}">').format(found.address, found.integrity)


@router.get("/assets/{hash_of_it}/{name}")
async def read_asset(request: Request, hash_of_it: str, name: str) -> Response:
    """One file. An old address of a changed file answers with the present content, which is not kept."""
    found = assets().get(name)
    if found is None:
        raise NoSuchPage
    kept = found.address == request.url.path
    headers = {"Cache-Control": "public, max-age=31536000, immutable" if kept else "no-cache"}
    return Response(found.content, media_type=_TYPES[Path(name).suffix], headers=headers)
