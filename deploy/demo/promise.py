"""Checks the result of the demo: no need is forgotten, no place is given twice, and every event is sent."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg

from deploy.demo.client import Caller
from deploy.demo.looking import Pool
from deploy.demo.pace import overdue
from libs.chassis.walls import WORKS_FOR

DRAIN_WITHIN_SECONDS: Final = 90.0
LATE: Final = timedelta(seconds=15)
Kept = tuple[str, bool, str]
"""A promise, True if it holds, and what was found."""


def check_invariants(found: Mapping[str, Any]) -> list[Kept]:
    """The invariants that referral reports. The first: every open need has a clock, a queue or a named owner."""
    return [
        (f"{one['promise'][0].lower()}{one['promise'][1:]}", one["violations"] == 0, f"{one['violations']} violations")
        for one in found["promises"]
    ]


def check_places(pools: Sequence[Pool]) -> Kept:
    """Checks that no service has more held and taken places than its maximum."""
    over = [pool for pool in pools if pool.is_over]
    return ("no service has more held and taken places than its maximum", not over, f"{len(over)} of {len(pools)} have")


async def check_clocks(databases: Mapping[str, str], now: datetime) -> Kept:
    """Checks that every passed deadline was handled, for a clock at its present rate.

    Referral's own check is less strict: it allows for the delay at the clock's highest rate.
    """
    until = time.monotonic() + DRAIN_WITHIN_SECONDS
    while True:
        late = await overdue(databases, now - LATE)
        if not late or time.monotonic() > until:
            break
        await asyncio.sleep(0.3)
    return ("every deadline that passed in these days has been handled", not late, f"{late} have not been")


async def check_drained(databases: Mapping[str, str]) -> list[Kept]:
    """Checks that the outboxes are empty within DRAIN_WITHIN_SECONDS, and that no event is parked."""
    until = time.monotonic() + DRAIN_WITHIN_SECONDS
    databases = {name: url for name, url in databases.items() if await _has_outbox(url)}
    while True:
        waiting = {name: await _count(url, "SELECT count(*) FROM outbox") for name, url in databases.items()}
        if not any(waiting.values()) or time.monotonic() > until:
            break
        await asyncio.sleep(0.3)
    parked = {name: await _count(url, "SELECT count(*) FROM parked") for name, url in databases.items()}
    return [
        ("every outbox is drained", not any(waiting.values()), _list(waiting)),
        ("no event is parked", not any(parked.values()), _list(parked)),
    ]


async def _has_outbox(url: str) -> bool:
    """False for the database of registration's keys, which has no events."""
    return bool(await _count(url, "SELECT count(to_regclass('outbox'))"))


async def _count(url: str, statement: str) -> int:
    connection = await asyncpg.connect(url, server_settings={WORKS_FOR: "service"})
    try:
        return int(await connection.fetchval(statement))
    finally:
        await connection.close()


def _list(counts: Mapping[str, int]) -> str:
    found = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    return found or "none"


async def invariants(caller: Caller, *, url: str) -> dict[str, Any]:
    """The answer of referral about its own invariants."""
    found: dict[str, Any] = await caller.get(f"{url}/v1/invariants")
    return found
