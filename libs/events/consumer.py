"""The consumer of one service: membership in its group, its partitions, and their batches."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.events.subscriptions import Subscriptions
from libs.events.topics import TOPICS, Topic


class Consumer:
    """Delivers events to the handlers of `subscriptions`, each batch in one transaction, exactly one effect per event."""

    def __init__(
        self,
        bootstrap_servers: str,
        subscriptions: Subscriptions,
        *,
        transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]],
        seal: Callable[[bytes], bytes] | None = None,
        unseal: Callable[[bytes], bytes] | None = None,
        topics: Mapping[str, Topic] = TOPICS,
        instance_id: str | None = None,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers

    def why_unready(self) -> str | None:
        """Why this consumer isn't ready, in one sentence without personal data; None if it is."""
        raise NotImplementedError

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set."""
        raise NotImplementedError
