"""A line that is cut where a test says, and a service in a process of its own that can be killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[3]
CUTS = ("before", "in the request", "while it works", "before the answer", "in the answer")
WHOLE = "whole"


@dataclass
class Line:
    """A proxy that passes one request a connection, or cuts it in one of the ways `CUTS`."""

    to_port: int
    plan: list[str] = field(default_factory=list)
    """What happens to the next connections; when it is empty, they are passed whole."""
    happened: list[str] = field(default_factory=list)
    answers: list[threading.Thread] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self.answers:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, suppress(OSError):
                    self._pass(connection)

    def _pass(self, client: socket.socket) -> None:
        cut = self.plan.pop(0) if self.plan else WHOLE
        self.happened.append(cut)
        if cut == "before":
            return
        request = whole_message(client)
        server = socket.create_connection(("127.0.0.1", self.to_port))
        if cut == "in the request":
            with server:
                server.sendall(request[: len(request) // 2])
            return
        server.sendall(request)
        if cut == "while it works":  # the service goes on, and nobody hears of it
            thread = threading.Thread(target=_read_out, args=(server,), daemon=True)
            self.answers.append(thread)
            thread.start()
            return
        with server:
            answer = whole_message(server)
        if cut == "in the answer":
            client.sendall(answer[: len(answer) // 2])
        elif cut == WHOLE:
            client.sendall(answer)


def _read_out(server: socket.socket) -> None:
    with server, suppress(OSError):
        whole_message(server)


def whole_message(peer: socket.socket) -> bytes:
    """One HTTP message with its body, or what came before the peer closed."""
    read = b""
    while b"\r\n\r\n" not in read:
        if not (more := peer.recv(65_536)):
            return read
        read += more
    head, _, body = read.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < int(lengths[0]):
        if not (more := peer.recv(65_536)):
            break
        body += more
    return head + b"\r\n\r\n" + body


@dataclass
class Service:
    """Registration in a process of its own, which can be killed and started again at the same port."""

    port: int
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "services.registration.cli", "serve", "--port", str(self.port)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, cwd=ROOT, env=os.environ | self.environment, **quiet)
        until = time.monotonic() + 120
        while not self._answers():
            assert self.process.poll() is None, "the process did not start"
            assert time.monotonic() < until
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def served(environment: dict[str, str]) -> Iterator[Service]:
    """The service, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    service = Service(port, environment)
    try:
        service.start()
        yield service
    finally:
        if service.process is not None and service.process.poll() is None:
            service.kill()
