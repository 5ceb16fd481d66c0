"""Installs the AsyncAPI Initiative's parser (JavaScript) from its lock file, and runs it on the document."""

import fcntl
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

PARSER = Path(__file__).with_name("parser")
"""Contains package.json, its lock file and `check.mjs`."""
INSTALLED = "node_modules/.installed-from"
"""Inside `PARSER`: the digest of the lock file from which the packages there were installed."""


class ParserError(Exception):
    """The packages could not be installed; the text is the output of npm."""


def install(folder: Path = PARSER) -> bool:
    """Install the locked packages if necessary; returns True if it did. Raises ParserError if npm fails."""
    lock = folder / "package-lock.json"
    wanted = sha256(lock.read_bytes()).hexdigest()
    sentinel = folder / INSTALLED
    with lock.open("rb") as held:
        # Concurrent runs wait for each other, because npm would delete the folder that the first run uses.
        fcntl.flock(held, fcntl.LOCK_EX)
        if sentinel.exists() and sentinel.read_text(encoding="ascii") == wanted:
            return False
        done = subprocess.run(  # noqa: S603
            [beside_python("npm"), "ci", "--no-progress"], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ParserError(f"npm ci failed: {done.stderr.strip()[-2000:]}")
        sentinel.write_text(wanted, encoding="ascii")
    return True


def read(*documents: Path, folder: Path = PARSER) -> tuple[bool, str]:
    """Whether the parser accepts the documents, and its messages, which begin with the path of the document."""
    done = subprocess.run(  # noqa: S603
        [beside_python("node"), str(folder / "check.mjs"), *map(str, documents)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0, (done.stdout + done.stderr).strip()


def beside_python(name: str) -> str:
    """The path of a command in the same virtual environment as Python; Node is installed there as a Python package."""
    return str(Path(sys.executable).with_name(name))
