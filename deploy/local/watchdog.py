"""Ends the children of a supervisor that died before it could end them.

It is run by path with a pipe as standard input, and uses only the standard library. The lines on the pipe are
`add PID SIGNAL` and `drop PID`. The pipe ends when the supervisor ends for any reason. Then every child that still runs
gets its signal, and after ten seconds the process groups of the remaining children are killed. On Linux, the kernel's
death signals (`launch.py`) do the same earlier. The watchdog is also for other systems, and for children that ignore
their signal.
"""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

PATIENCE_SECONDS = 10.0


def alive(pid: int) -> bool:
    """True if a process with this id runs; a zombie, which has ended but still has its id, does not count."""
    with contextlib.suppress(OSError, IndexError):
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end_all(children: dict[int, int]) -> None:
    """Send each child its signal, wait, then kill all groups. Every child is the leader of its own group."""
    for pid, number in children.items():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and any(alive(pid) for pid in children):
        time.sleep(0.05)
    for pid in children:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def main() -> None:
    """Read the pipe until it ends, then end the children that are still listed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    children: dict[int, int] = {}
    for line in sys.stdin:
        verb, pid, *rest = line.split()
        if verb == "add":
            children[int(pid)] = int(rest[0])
        else:
            children.pop(int(pid), None)
    end_all(children)


if __name__ == "__main__":
    main()
