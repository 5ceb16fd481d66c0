"""End the children of a supervisor that died without doing it itself.

Run by path with a pipe as standard input, standard library only. Lines on the pipe: `add PID SIGNAL`, `drop PID`. The
pipe ends when the supervisor does, however it died; then every child still there gets its signal, and what has not gone
after ten seconds is killed with its whole process group. Death signals of the kernel (`launch.py`) do the same sooner,
on Linux; this also covers other systems and children that ignore their signal.
"""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

PATIENCE_SECONDS = 10.0


def alive(pid: int) -> bool:
    """Whether a process with this id runs; one that has ended and that nobody has asked about yet does not."""
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
    """Signal each child, wait for all, then kill the groups of those that stay. Every child leads its own group."""
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
    """Follow the pipe until it ends, then end what is still listed."""
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
