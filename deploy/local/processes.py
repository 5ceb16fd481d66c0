"""The child processes of a supervisor: each is started in its own group and stopped by its id; none is left running."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_BARE_PYTHON = [sys.executable, "-I", "-S"]


class StartError(Exception):
    """A child ended or was not ready in time; the text gives the details."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is free now.

    The port is below the range that systems use for outgoing connections. Otherwise, a client could have the port of a
    server when the server restarts. It is random, so that two callers at the same time do not get the same port.
    """
    while True:
        port = random.randint(15_000, 32_000)  # noqa: S311 - no secret
        if is_free(port):
            return port


def is_free(port: int) -> bool:
    """True if a server can listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@dataclass(frozen=True)
class Child:
    """A running child process with its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signal: int

    @property
    def pid(self) -> int:
        """The process id, which is also the id of the child's process group."""
        return self.process.pid

    def running(self) -> bool:
        """True if the process has not ended yet."""
        return self.process.poll() is None

    def last_lines(self, count: int = 15) -> str:
        """The last lines of its log, for an error message."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-count:])

    def check(self) -> None:
        """Raise StartError if the process has ended."""
        if not self.running():
            code = self.process.returncode
            raise StartError(f"{self.name} ended with {code}; its log {self.log}:\n{self.last_lines()}")


class Family:
    """The children of this process, with a watchdog that ends them if this process is killed.

    Start children from a thread that lives as long as they do, because for the kernel the thread is the parent.
    """

    def __init__(self) -> None:
        self._children: dict[int, Child] = {}
        self._watchdog: subprocess.Popen[bytes] | None = None

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stop_signal: int = signal.SIGTERM,
        user: str | None = None,
    ) -> Child:
        """Start a child in its own session; its output is appended to `log`. `command[0]` is an absolute path."""
        log.parent.mkdir(parents=True, exist_ok=True)
        launcher = [*_BARE_PYTHON, str(_HERE / "launch.py"), str(int(stop_signal)), str(os.getpid()), user or "-"]
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
                [*launcher, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=None if env is None else dict(env),
                cwd=cwd,
                start_new_session=True,
            )
        child = Child(name=name, process=process, log=log, stop_signal=int(stop_signal))
        self._children[child.pid] = child
        self._tell(f"add {child.pid} {child.stop_signal}")
        return child

    def stop(self, *children: Child, patience_seconds: float = 15.0) -> None:
        """Ask all children to stop, and kill the group of each that does not. Returns when all have ended."""
        for child in children:
            if child.running():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, child.stop_signal)
        until = time.monotonic() + patience_seconds
        for child in children:
            try:
                child.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.process.wait()
            self.forget(child)

    @contextlib.contextmanager
    def stopping_on_failure(self, child: Child) -> Iterator[None]:
        """Stop the child if the block fails or is cancelled; the block waits until the child is ready."""
        try:
            yield
        except BaseException:
            self.stop(child)
            raise

    def forget(self, child: Child) -> None:
        """Remove a child that has ended from the watchdog's list."""
        if self._children.pop(child.pid, None) is not None:
            self._tell(f"drop {child.pid}")

    def close(self) -> None:
        """Stop all children, then the watchdog."""
        self.stop(*self._children.values())
        watchdog, self._watchdog = self._watchdog, None
        if watchdog is not None and watchdog.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                watchdog.stdin.close()
            watchdog.wait()

    def _tell(self, line: str) -> None:
        if self._watchdog is None or self._watchdog.poll() is not None:
            self._start_watchdog()
        assert self._watchdog is not None
        assert self._watchdog.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._watchdog.stdin.write(line.encode() + b"\n")
            self._watchdog.stdin.flush()

    def _start_watchdog(self) -> None:
        self._watchdog = subprocess.Popen(  # noqa: S603 - our own script
            [*_BARE_PYTHON, str(_HERE / "watchdog.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._watchdog.stdin is not None
        for child in self._children.values():
            self._watchdog.stdin.write(f"add {child.pid} {child.stop_signal}\n".encode())


class Deadline:
    """A time limit: `await deadline.pause()` sleeps briefly, and raises StartError when the time is over."""

    def __init__(self, seconds: float, *, what: str, every_seconds: float = 0.05) -> None:
        self._until = time.monotonic() + seconds
        self._what = what
        self._every = every_seconds

    async def pause(self) -> None:
        """Sleep briefly. Raises StartError when the time is over."""
        if time.monotonic() > self._until:
            raise StartError(f"{self._what} took too long")
        await asyncio.sleep(self._every)
