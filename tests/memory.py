"""Where directories of tests lie: in memory, if this machine has room there.

A database is a copy of some 700 files. On a disk it costs 0.2 s of a processor, in memory a tenth of that, and the
tests make more than a thousand of them.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil

MEMORY = Path("/dev/shm")
CHOICE = "PYTEST_DEBUG_TEMPROOT"
"""pytest's own variable: below which directory it makes those of a run."""
ROOM = 6 * 2**30
"""Bytes. A run of all tests holds 3 GB at its end."""

OF_A_WORKER = 2 * 2**30
"""Bytes. A PostgreSQL, a Kafka and at times a whole system beside them."""


def use_for_directories_of_tests() -> None:
    """Name memory to pytest. A choice in the environment holds, and so does pytest's option `--basetemp`."""
    forget_killed_runs(MEMORY)
    if CHOICE not in os.environ and has_room(MEMORY):
        os.environ[CHOICE] = str(MEMORY)


def forget_killed_runs(directory: Path) -> None:
    """Remove the locks of runs that were killed, so that pytest removes their directories behind the next run.

    A killed run holds some gigabytes of memory. pytest itself takes its lock seriously for three days.
    """
    for lock in directory.glob("pytest-of-*/pytest-*/.lock"):
        with suppress(FileNotFoundError):  # its run has just ended
            holder = lock.read_text(encoding="ascii")
            if holder.isdigit() and not psutil.pid_exists(int(holder)):
                lock.unlink()


def has_room(directory: Path) -> bool:
    """Whether there is such a directory in which programs may be started, and as much room as a run needs."""
    if not directory.is_dir() or not os.access(directory, os.W_OK):
        return False
    system = os.statvfs(directory)
    free = min(system.f_bavail * system.f_frsize, psutil.virtual_memory().available)
    return not system.f_flag & os.ST_NOEXEC and free >= ROOM
