"""Pauses of a loop that must end early when the process stops, or when there is work."""

import asyncio
from typing import Any


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait until `event` is set, for at most `seconds` of real time. Returns whether it is set."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return event.is_set()
    return True


async def done_or_set(work: "asyncio.Task[Any]", event: asyncio.Event) -> None:
    """Wait until `work` is done or `event` is set, whichever comes first. `work` is not cancelled."""
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
