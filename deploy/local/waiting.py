"""Waits until processes are ready, several at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress

import httpx

from deploy.local.processes import Child, Deadline

READY_SECONDS = 120.0


async def until_ready(child: Child, url: str, *, seconds: float = READY_SECONDS) -> None:
    """Wait until this address of the child answers 200. Raises StartError if the child ends or the time is over."""
    deadline = Deadline(seconds, what=f"{child.name} ({url}, log {child.log})")
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        while True:
            child.check()
            with suppress(httpx.HTTPError):
                if (await client.get(url)).status_code == httpx.codes.OK:
                    return
            await deadline.pause()


async def all_or_none(*works: Awaitable[None]) -> None:
    """Run all at the same time. If one fails, the others are cancelled and their children stopped; then it raises."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
