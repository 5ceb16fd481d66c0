"""The relay of one service: publishes its outbox, in order per key, under leadership."""

import asyncio


class Relay:
    """Reads the outbox in order, publishes to Kafka, retires what Kafka has acknowledged."""

    def __init__(self, dsn: str, bootstrap_servers: str, *, source: str) -> None:
        self._dsn = dsn

    def why_unready(self) -> str | None:
        """Why this relay isn't ready, in one sentence; None if it is, or stands by for another leader."""
        raise NotImplementedError

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set."""
        raise NotImplementedError
