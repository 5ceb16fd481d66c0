"""Forwards connections on published ports to the services.

    python -m deploy.docker.gateway 8101=registration:8000 8102=provider_directory:8000

Only one container can publish a port. The gateway publishes the ports, so that a service can run in as many containers
as `--scale` sets. The name of the service resolves to all of them, and each connection goes to one of them.
"""

import asyncio
import contextlib
import random
import socket
import sys
from collections import Counter
from collections.abc import Sequence

CONNECT_SECONDS = 3.0
PIECE_BYTES = 65_536
STALLED_SECONDS = 30.0
"""How long a peer may leave data unread; the services limit how long a peer may send nothing."""
CONNECTIONS = 1_000
CONNECTIONS_PER_PEER = 300
"""Less than a service accepts from one address, because for the service all connections come from the gateway."""
NOBODY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def addresses_of(host: str, port: int) -> list[str]:
    """The addresses of the containers with this name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def connected(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """A connection to one of the service's containers, tried in random order; None if none accepts it."""
    with contextlib.suppress(OSError):
        addresses = await addresses_of(host, port)
        for address in random.sample(addresses, len(addresses)):
            with contextlib.suppress(OSError, TimeoutError):
                return await asyncio.wait_for(asyncio.open_connection(address, port), CONNECT_SECONDS)
    return None


async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copy data until the source ends or the sink accepts no more; then close the sink for writing."""
    with contextlib.suppress(OSError, TimeoutError):
        while piece := await source.read(PIECE_BYTES):
            sink.write(piece)
            await asyncio.wait_for(sink.drain(), STALLED_SECONDS)
    with contextlib.suppress(OSError):
        sink.write_eof()


async def serve(port: int, host: str, target_port: int, *, address: str = "0.0.0.0") -> asyncio.Server:  # noqa: S104
    """Listen on a port for connections to a service."""

    peers: Counter[str] = Counter()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str((writer.get_extra_info("peername") or [""])[0])
        fits = peers.total() < CONNECTIONS and peers[peer] < CONNECTIONS_PER_PEER
        peers[peer] += 1
        there = None
        try:
            there = await connected(host, target_port) if fits else None
            if there is None:
                writer.write(NOBODY)
                await asyncio.wait_for(writer.drain(), CONNECT_SECONDS)
                return
            asked = asyncio.create_task(pass_on(reader, there[1]))
            await pass_on(there[0], writer)
            asked.cancel()  # After the service has closed the connection, no more data are forwarded to it.
        except (OSError, TimeoutError):
            pass  # The caller has closed the connection.
        finally:
            peers[peer] -= 1
            if not peers[peer]:
                del peers[peer]
            for end in (writer, there[1] if there else None):
                if end is not None:
                    end.close()

    return await asyncio.start_server(take, address, port)


async def main(doors: Sequence[str]) -> None:
    """Serve each `port=host:port` until a signal arrives."""
    for door in doors:
        port, _, target = door.partition("=")
        host, _, target_port = target.partition(":")
        await serve(int(port), host, int(target_port))
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1:]))
