"""The processes of a reference: each prints a line when it consumes, and is terminated at the end of its turn."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import Mapping

READY = "ready"
"""The line that a process prints when it has begun to consume."""
START_SECONDS = 90.0


async def all_ready(reference: str, processes: Mapping[str, Process]) -> None:
    """Wait until all of them consume.

    Raises TimeoutError if one does not consume within 90 seconds, and RuntimeError if one ends before it consumes.
    """
    async with asyncio.timeout(START_SECONDS):
        await asyncio.gather(*(_ready(f"{name} of {reference}", process) for name, process in processes.items()))


async def _ready(name: str, process: Process) -> None:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        if line.decode().strip() == READY:
            return
    raise RuntimeError(f"{name} ended before it consumed")


async def terminate(processes: Mapping[str, Process]) -> None:
    """End all of them, and wait until they have ended."""
    for process in processes.values():
        if process.returncode is None:
            process.terminate()
    for process in processes.values():
        await process.wait()
