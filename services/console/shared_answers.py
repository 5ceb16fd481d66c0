"""Answers that people with the same rights share for some seconds, so that many watchers cost the services one call.

The key is everything that decides what the services answer: scopes, organisation, desks, reception places. Two people
share an answer only if all of these are equal.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from services.console.errors import IssuerAway, SignedOut
from services.console.sessions import Rights

T = TypeVar("T")
_MOST = 2_000


class SharedAnswers:
    """Short-lived answers by rights and name. Only one call for the same answer is made at a time."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._kept: dict[Hashable, tuple[float, Any]] = {}
        self._running: dict[Hashable, asyncio.Task[Any]] = {}

    async def get(self, rights: Rights, name: Hashable, make: Callable[[], Awaitable[T]], *, seconds: float) -> T:
        """The kept answer, or that of `make`. An error is not kept; everybody who waits for it gets it.

        Only the end of a session concerns nobody else: somebody who waited for its call makes the call again, with the
        own token.
        """
        key = (rights, name)
        until, value = self._kept.get(key, (float("-inf"), None))
        if self._monotonic() < until:
            return value  # type: ignore[no-any-return]
        task, is_own = self._running.get(key), False
        if task is None:
            task, is_own = asyncio.ensure_future(self._make(key, make, seconds)), True
            self._running[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        try:
            # A watcher who leaves must not cancel the call for the others.
            return await asyncio.shield(task)
        except (SignedOut, IssuerAway):
            if is_own:
                raise
            return await make()

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[T]], seconds: float) -> T:
        begun = self._monotonic()
        value = await make()
        self._kept.pop(key, None)
        # From the beginning of the call: it is the age of the answer that counts.
        self._kept[key] = (begun + seconds, value)
        while len(self._kept) > _MOST:
            del self._kept[next(iter(self._kept))]
        return value

    def _forget(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        self._running.pop(key, None)
        if not task.cancelled():
            task.exception()  # marks the error as seen: whoever waits for the task has it
