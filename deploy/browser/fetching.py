"""Fetches a Chromium: Playwright's download, or else the package of Debian, installed or only unpacked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from deploy.browser.finding import NoBrowserError, of_playwright, starts
from deploy.local.jars import cache_directory

Say = Callable[[str], None]
PACKAGE: Final = "chromium"
FETCH_SECONDS: Final = 900.0
UNPACKED: Final = "chromium-unpacked"
"""The folder in the user's cache with the files of Debian's packages."""
INSTALLED: Final = Path("/var/lib/dpkg/status")
"""Debian's list of installed packages. Only what is not in it is downloaded."""
_LAUNCHER: Final = """#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
LD_LIBRARY_PATH=$(find "$here/usr/lib" -maxdepth 1 -name '*-linux-gnu*' -type d | tr '\\n' ':')$LD_LIBRARY_PATH
export LD_LIBRARY_PATH
exec "$here/usr/lib/chromium/chromium" "$@"
"""


class _UnavailableError(Exception):
    """This way does not work on this machine; the text says why."""


def fetch(say: Say) -> Path:
    """A Chromium that was fetched now. Raises NoBrowserError with the reason of each way that was tried."""
    reasons: list[str] = []
    for name, way in (
        ("Playwright's download", _download), ("apt-get install", _install), ("Debian's packages", _unpack),
    ):  # fmt: skip
        say(f"fetching a Chromium: {name}")
        try:
            path = way()
        except _UnavailableError as error:
            reasons.append(f"{name}: {error}")
            continue
        if starts(path):
            return path
        reasons.append(f"{name}: {path} does not start; a library may be missing")
    raise NoBrowserError("there is no Chromium, and none could be fetched. " + "; ".join(reasons))


def _download() -> Path:
    """Playwright's own Chromium, without windows."""
    _run([sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"])
    path = of_playwright()
    if path is None:
        raise _UnavailableError("the downloaded Chromium does not start; a library may be missing")
    return path


def _install() -> Path:
    """Debian's package, if this process may install it."""
    _require_debian()
    if os.geteuid() != 0:
        raise _UnavailableError("only root may install packages")
    _run(["apt-get", "update", "-qq"])
    wait = ["-o", "DPkg::Lock::Timeout=120"]
    _run(["apt-get", "install", "-y", "-qq", *wait, "--no-install-recommends", PACKAGE])
    found = shutil.which(PACKAGE)
    if found is None:
        raise _UnavailableError(f"the package {PACKAGE} has no program of this name here")
    return Path(found)


def _unpack() -> Path:
    """The files of Debian's package and of the packages that it needs, unpacked into the user's cache.

    apt checks the signatures of the archive as it does for an installation.
    """
    _require_debian()
    root = cache_directory() / UNPACKED
    shutil.rmtree(root, ignore_errors=True)
    lists, debs = root / "apt", root / "apt" / "cache" / "archives"
    for folder in (lists / "state" / "lists" / "partial", debs / "partial"):
        folder.mkdir(parents=True)
    own = [
        *("-qq", "-o", f"Dir::State={lists / 'state'}", "-o", f"Dir::State::status={INSTALLED}"),
        *("-o", f"Dir::Cache={lists / 'cache'}", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root"),
    ]
    _run(["apt-get", *own, "update"])
    _run(["apt-get", *own, "install", "-y", "--no-install-recommends", "--download-only", PACKAGE])
    for deb in sorted(debs.glob("*.deb")):
        _run(["dpkg-deb", "--extract", str(deb), str(root)])
    shutil.rmtree(lists)
    launcher = root / PACKAGE
    launcher.write_text(_LAUNCHER, encoding="utf-8")
    launcher.chmod(0o755)
    return launcher


def _require_debian() -> None:
    if shutil.which("apt-get") is None:
        raise _UnavailableError("this system has no apt-get")


def _run(command: Sequence[str]) -> None:
    """Run a program to its end. Raises _UnavailableError with its last line if it fails."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        run = subprocess.run(  # noqa: S603 - no shell
            list(command), env=environment, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _UnavailableError(type(error).__name__) from error
    if run.returncode != 0:
        said = [line.strip() for line in (run.stdout + run.stderr).splitlines() if "error" in line.lower()]
        raise _UnavailableError(said[-1] if said else f"{command[0]} ended with {run.returncode}")
