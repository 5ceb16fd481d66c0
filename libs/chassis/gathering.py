"""Writes requests that arrive at the same time in one transaction (decisions 0034 and 0122).

A transaction needs about twenty statements and a commit, whether it writes one request or fifty. If no transaction is
running, a request is written at once. Requests that arrive during a transaction wait for its end and share the next
one. A caller gets its response only after the commit.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.errors import Refusal
from libs.chassis.logs import get_logger

log = get_logger(__name__)
Asked = TypeVar("Asked")
Told = TypeVar("Told")


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Asked, Told]):
    asked: Asked
    told: "asyncio.Future[Told]"


class Gathering(Generic[Asked, Told]):
    """Writes the requests of this process. Each caller waits only for its own result.

    `begin` opens the transaction for these requests. `write` does their work in it and returns one result for each, in
    their order: what the caller is told, the error that it gets, or None if the request must be written alone. If
    `write` or `begin` raises, nothing is written, and each request is tried alone; a request that was alone gets its
    Refusal at once. `alone` writes one request. `most` is the maximum number of requests in one transaction. It holds
    all its locks until the last of them is written.
    """

    def __init__(
        self,
        *,
        begin: Callable[[Sequence[Asked]], AbstractAsyncContextManager[AsyncSession]],
        write: Callable[[AsyncSession, Sequence[Asked]], Awaitable[Sequence[Told | Exception | None]]],
        alone: Callable[[AsyncSession, Asked], Awaitable[Told | Exception]],
        most: int,
    ) -> None:
        self._begin, self._write, self._alone, self._most = begin, write, alone, most
        self._waiting: dict[Hashable, list[_Waiting[Asked, Told]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, asked: Asked, *, lane: Hashable = None) -> Told:
        """Write a request and return its result. Raises its error.

        Transactions of one lane run one after another. Requests that need the same locks belong into one lane.
        """
        waiting: _Waiting[Asked, Told] = _Waiting(asked, asyncio.get_running_loop().create_future())
        if lane in self._waiting:
            self._waiting[lane].append(waiting)
        else:
            self._waiting[lane] = [waiting]
            self._start(self._share(lane))
        return await waiting.told

    async def _share(self, lane: Hashable) -> None:
        """Write the waiting requests of a lane until none is left."""
        try:
            while self._waiting[lane]:
                together, self._waiting[lane] = self._waiting[lane][: self._most], self._waiting[lane][self._most :]
                await self._write_together([one for one in together if not one.told.done()])
        finally:
            del self._waiting[lane]

    async def _write_together(self, together: Sequence[_Waiting[Asked, Told]]) -> None:
        if not together:
            return
        decided, asked = False, [one.asked for one in together]
        try:
            async with self._begin(asked) as session:
                results = await self._write(session, asked)
                decided = True
        except Exception as error:
            # After `decided` it may be committed; a second attempt could then do it twice, or refuse it as done before.
            if decided or (len(together) == 1 and isinstance(error, Refusal)):
                for one in together:
                    _tell(one.told, error)
                return
            log.warning("requests.written_one_by_one", count=len(together), error_type=type(error).__name__)
            results = [None] * len(together)
        for one, result in zip(together, results, strict=True):
            if result is None:
                self._start(self._write_alone(one))
            else:
                _tell(one.told, result)

    async def _write_alone(self, waiting: _Waiting[Asked, Told]) -> None:
        """Write one request in its own transaction."""
        try:
            async with self._begin([waiting.asked]) as session:
                result = await self._alone(session, waiting.asked)
        except Exception as error:
            _tell(waiting.told, error)
        else:
            _tell(waiting.told, result)

    def _start(self, writing: Coroutine[Any, Any, None]) -> None:
        # An empty context, because the task serves many requests and belongs to none of their traces.
        task = asyncio.get_running_loop().create_task(writing, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _tell(told: "asyncio.Future[Told]", result: Told | Exception) -> None:
    """Give the result to the caller, unless the caller no longer waits."""
    if told.done():
        return
    if isinstance(result, Exception):
        told.set_exception(result)
    else:
        told.set_result(result)
