"""Ends tasks for good, also those that swallow a cancellation.

`asyncio.wait_for` cancels once and then waits without a limit: where a library takes the cancellation for its own, such
as aiokafka while it stops its heartbeat, the waiting never ends, and with it the client that was to be replaced.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

AGAIN_SECONDS = 5.0
"""After so long a task that was cancelled and has not ended is cancelled again; longer than a graceful close takes."""

_left: set[asyncio.Task[Any]] = set()


async def end(*tasks: "asyncio.Task[Any]", again_seconds: float = AGAIN_SECONDS) -> None:
    """Cancel these tasks, again and again, until all have ended. Their errors are nobody's any more.

    Whoever calls this may be ended in the same way: its own cancellation is raised when the tasks have ended.
    """
    cancelled: asyncio.CancelledError | None = None
    while pending := {task for task in tasks if not task.done()}:
        for task in pending:
            task.cancel()
        try:
            await asyncio.wait(pending, timeout=again_seconds)
        except asyncio.CancelledError as error:
            cancelled = error
    for task in tasks:
        _forget(task)
    if cancelled is not None:
        raise cancelled


async def ends_within(seconds: float, work: Coroutine[Any, Any, Any]) -> bool:
    """Whether `work` has ended well within so many seconds; if not, it is cancelled and left to itself."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
            _left.add(task)
            task.add_done_callback(_left.discard)
            task.add_done_callback(_forget)
    return task.done() and not task.cancelled() and task.exception() is None


def _forget(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()
