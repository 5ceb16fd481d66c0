"""Allows one supervisor per state directory, with a locked file that contains the id of the holder.

The operating system releases the lock when the holder ends for any reason.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class AlreadyRunningError(Exception):
    """Another process holds the lock; the text contains its id."""


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock while the block runs. Raises AlreadyRunningError if another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="ascii") as file:
        _lock(file, path)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _lock(file: IO[str], path: Path) -> None:
    until = time.monotonic() + 1.0
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            # `holder` takes the lock for a moment to test whether it is free, so one failure is retried.
            if time.monotonic() > until:
                raise AlreadyRunningError(f"already running here as process {path.read_text()} ({path})") from error
            time.sleep(0.02)


def holder(path: Path) -> int | None:
    """The id of the process that holds the lock, or None."""
    if not path.exists():
        return None
    with path.open("r", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = file.read()
            return int(text) if text else None
        return None
