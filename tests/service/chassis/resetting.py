"""A peer that resets every connection as soon as it is made."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def resetting_peer() -> Iterator[int]:
    """Its port, on the loopback interface."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_reset_all, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _reset_all(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
