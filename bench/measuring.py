"""Tools for measuring a run: CPU seconds of processes, values from databases, and waiting for a condition."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import asyncpg
import psutil

from libs.chassis.walls import WORKS_FOR

LOOK_SECONDS = 0.25


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """User and system seconds by name, each of one process and all its descendants."""
    return {name: _of_tree(pid) for name, pid in pids.items()}


def _of_tree(pid: int) -> float:
    total = 0.0
    try:
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return total
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """The seconds that each process has used between the two readings."""
    return {name: round(after[name] - before.get(name, 0.0), 2) for name in after}


def without_kafka(seconds: Mapping[str, float]) -> float:
    """The seconds of all these processes except Kafka: the services, or the stages of a reference, and PostgreSQL."""
    return sum(used for name, used in seconds.items() if name != "kafka")


async def value(url: str, query: str, *arguments: Any) -> Any:
    """The single value that a query returns, read over a new connection."""
    connection = await asyncpg.connect(url, server_settings={WORKS_FOR: "service"})
    try:
        return await connection.fetchval(query, *arguments)
    finally:
        await connection.close()


async def until(
    done: Callable[[], Awaitable[bool]], *, what: str, within_s: float, every_s: float = LOOK_SECONDS
) -> None:
    """Wait until `done` returns True. Raises TimeoutError after `within_s` seconds; its text contains `what`."""
    deadline = time.monotonic() + within_s
    while not await done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {within_s:.0f} s")
        await asyncio.sleep(every_s)


def seconds_between(start: datetime, end: datetime) -> float:
    """The seconds from `start` to `end`."""
    return (end - start).total_seconds()
