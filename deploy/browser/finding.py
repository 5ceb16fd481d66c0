"""Finds a Chromium on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from deploy.local.installation import DEFAULT_STATE

VARIABLE: Final = "ENLACE_CHROMIUM"
"""The variable with the path of a Chromium; it is used before all others."""
REMEMBERED: Final = DEFAULT_STATE / "browser"
"""The file with the path that was found or fetched last."""
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START_SECONDS: Final = 60.0
_OF_PLAYWRIGHT: Final = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""
_SHELLS: Final = "chromium_headless_shell-*/*/*headless*shell*"
"""Where Playwright keeps the Chromium without windows, beside the folder of the usual one."""


class NoBrowserError(Exception):
    """There is no Chromium that starts; the text says why."""


def find() -> Path | None:
    """A Chromium that starts: that of `ENLACE_CHROMIUM`, the remembered one, one on the PATH, or Playwright's own.

    Raises NoBrowserError if `ENLACE_CHROMIUM` names a program that does not start.
    """
    if named := os.environ.get(VARIABLE):
        if (path := Path(named)) and starts(path):
            return path
        raise NoBrowserError(f"{VARIABLE} names {named}, which is no Chromium that starts")
    on_the_path = (shutil.which(name) for name in NAMES)
    candidates = [*_remembered(), *(Path(found) for found in on_the_path if found)]
    return next((one for one in candidates if starts(one)), None) or of_playwright()


def of_playwright() -> Path | None:
    """The Chromium that Playwright has downloaded, with windows or without."""
    told = _output([sys.executable, "-c", _OF_PLAYWRIGHT])
    if not told:
        return None
    path = Path(told)
    downloads = next((one.parent for one in path.parents if one.name.startswith("chromium-")), path.parent)
    shells = sorted(one for one in downloads.glob(_SHELLS) if one.is_file())
    return next((one for one in (path, *reversed(shells)) if starts(one)), None)


def starts(path: Path) -> bool:
    """True if the program says its version. A Chromium without its libraries does not."""
    return os.access(path, os.X_OK) and "Chrom" in (_output([str(path), "--version"]) or "")


def remember(path: Path) -> None:
    """Keep the path for the next time."""
    REMEMBERED.parent.mkdir(parents=True, exist_ok=True)
    REMEMBERED.write_text(f"{path}\n", encoding="utf-8")


def _remembered() -> list[Path]:
    return [Path(REMEMBERED.read_text(encoding="utf-8").strip())] if REMEMBERED.exists() else []


def _output(command: list[str]) -> str | None:
    """What a program prints; None if it cannot be run, fails or takes too long."""
    try:
        run = subprocess.run(  # noqa: S603 - no shell
            command, capture_output=True, text=True, timeout=START_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return run.stdout.strip() if run.returncode == 0 else None
