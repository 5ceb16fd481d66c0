"""Ends tasks reliably, including tasks that swallow a cancellation.

`asyncio.wait_for` cancels once and then waits without a limit. A library may confuse the cancellation with its own, as
aiokafka does while it stops its heartbeat. Then the waiting never ends, and the client is never replaced.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

AGAIN_SECONDS = 5.0
"""The time after which a cancelled task that has not ended is cancelled again. It is longer than a graceful close."""

_left: set[asyncio.Task[Any]] = set()


async def end(*tasks: "asyncio.Task[Any]", again_seconds: float = AGAIN_SECONDS) -> None:
    """Cancel these tasks repeatedly until all have ended. Their errors are ignored.

    If the caller itself is cancelled meanwhile, its cancellation is raised after the tasks have ended.
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
    """Whether `work` has ended without an error within `seconds`. If it has not ended, it is cancelled in the
    background."""
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
