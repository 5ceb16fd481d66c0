"""The processes of a supervisor, and the file that records them for `status` and for a start after it was killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from deploy.local.keyring import write_private
from deploy.local.processes import Child

LEFTOVER_SECONDS = 20.0

Start = Callable[[], Awaitable[Child]]


@dataclass(frozen=True)
class RunningPart:
    """The data of a process when the file was written."""

    name: str
    pid: int | None
    """None while the process is being restarted."""
    url: str | None
    restarts: int
    ready_path: str
    """The path below `url` that answers 200 when the process is ready."""


@dataclass
class Part:
    """One process that is kept running."""

    name: str
    start: Start
    child: Child
    started_at: float
    url: str | None = None
    ready_path: str = "/readyz"
    restarts: int = 0

    @property
    def running_pid(self) -> int | None:
        """The id of its process; None while it is being restarted."""
        return self.child.pid if self.child.running() else None

    def as_it_runs(self) -> RunningPart:
        """Its data for the file."""
        return RunningPart(
            name=self.name, pid=self.running_pid, url=self.url, restarts=self.restarts, ready_path=self.ready_path
        )


class Record:
    """The file `running.json` of a state directory."""

    def __init__(self, state: Path) -> None:
        self._path = state / "running.json"
        self.step = ""
        self.ready = False

    def write(self, parts: Sequence[RunningPart]) -> None:
        """Write the file."""
        content = {
            "supervisor": os.getpid(),
            "ready": self.ready,
            "step": self.step,
            "parts": [asdict(part) | {"born": part.pid and _born(part.pid)} for part in parts],
        }
        write_private(self._path, json.dumps(content, indent=1))

    def clear(self) -> None:
        """Remove the file, because nothing runs any more."""
        self._path.unlink(missing_ok=True)


def read_record(state: Path) -> dict[str, Any] | None:
    """The content of the file, or None if there is no file."""
    try:
        content: dict[str, Any] = json.loads((state / "running.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return content


def wait_for_leftovers(state: Path) -> None:
    """Wait until the processes of a killed supervisor have ended; kill those that take too long.

    They got a signal when the supervisor died. Until they have ended, they use the data directories.
    """
    record = read_record(state)
    if record is None:
        return
    until = time.monotonic() + LEFTOVER_SECONDS
    for part in record["parts"]:
        while part["born"] is not None and _born(part["pid"]) == part["born"]:
            if time.monotonic() > until:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(part["pid"], signal.SIGKILL)
                break
            time.sleep(0.05)
    (state / "running.json").unlink(missing_ok=True)


def _born(pid: int) -> float | None:
    """The start time of this process, or None if it has ended. A later process with the same id has another time."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None
