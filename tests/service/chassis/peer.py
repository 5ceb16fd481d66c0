"""A connection to a started service, byte by byte."""

import asyncio
import json
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass

from tests.service.chassis.started import DEADLINE_SECONDS


@dataclass
class Peer:
    """One connection, byte by byte."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self):
        """Status, headers and problem of the next answer."""
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), DEADLINE_SECONDS)).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return int(first.split(" ")[1]), headers, json.loads(body) if body else None

    async def ended(self):
        """Wait until the other side closes; what came before."""
        try:
            return await asyncio.wait_for(self.reader.read(), DEADLINE_SECONDS)
        except ConnectionError:
            return b""


@asynccontextmanager
async def peer(started, *, of="127.0.0.1"):
    url = started.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port, local_addr=(of, 0))
    with closing(writer):
        yield Peer(reader, writer)
