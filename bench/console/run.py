"""Measures each page of the console beside the slowest of the API calls that it makes, and what many watchers cost.

A second console stands between relays that record its requests: so the calls of a page are known. The first console
calls the services directly. Its pages and those calls, each with the token of the same person, are measured in turns by
the same client. The answers that Tonight shares have ended before each round, as for somebody who watches alone. What
is kept for a minute (names, the taxonomy) is there, and is not counted among the calls.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from rich.console import Console
from rich.table import Table

from bench.console.relays import WORDS, Heard, relays
from bench.console.stage import Stage, begin_stays, fill_referral, played, stage
from bench.console.timing import Timed, timed
from bench.console.views import views_of
from bench.console.watchers import MANY, Watched, watched
from bench.measuring import until
from deploy.local.console import console_command, console_environment
from deploy.local.installation import ROOT
from deploy.local.processes import free_port

BOUND: Final = 1.3
"""The page to its slowest call."""
WATCHERS_BOUND: Final = 1.1
"""The requests of 50 watchers to those of one."""
TURNS: Final = 6


async def measure(*, rows: int = 1_000_000, rounds: int = 20) -> dict[str, Any]:
    """Returns the figures by name and prints a table."""
    with tempfile.TemporaryDirectory(prefix="enlace-bench-console-") as folder:
        state = Path(folder) / "enlace"
        async with stage(state, await played(state)) as on:
            await begin_stays(on)
            await fill_referral(on, rows)
            return await measure_stage(on, rounds=rounds)


async def measure_stage(on: Stage, *, rounds: int, turns: int = TURNS) -> dict[str, Any]:
    """Measure a system that is filled."""
    services = {word: on.url(word) for word in WORDS}
    async with _listened(on) as (listened_url, heard):
        found = await timed(on.url("CONSOLE"), listened_url, heard, services, await views_of(on), rounds)
        seen = await watched(listened_url, heard, turns=turns)
    _print(found, seen)
    return figures(found, seen)


def figures(found: Mapping[str, Timed], seen: Watched) -> dict[str, Any]:
    """The figures by name."""
    worst = max(found, key=lambda name: found[name].ratio)
    return {
        "views": round(found[worst].ratio, 2),
        "worst": worst,
        "watchers": round(seen.ratio, 2),
        **{f"ratio_{name}": round(one.ratio, 2) for name, one in found.items()},
    }


def _print(found: Mapping[str, Timed], seen: Watched) -> None:
    console = Console(width=150)
    table = Table(title="pages of the console, medians in ms")
    for column in ("page", "ms", "ratio", "calls", "all at once", "slowest", "slowest call"):
        table.add_column(column, justify="left" if column in ("page", "slowest call") else "right")
    for name, one in found.items():
        ms, call = one.slowest
        table.add_row(
            name,
            f"{one.page_ms:.1f}",
            f"{one.ratio:.2f}",
            f"{len(one.names)}",
            f"{one.at_once_ms:.1f}",
            f"{ms:.1f}",
            call,
        )
    console.print(table)
    worst = max(found, key=lambda name: found[name].ratio)
    above = sum(one.ratio > BOUND for one in found.values())
    console.print(
        f"console.views: {found[worst].ratio:.2f} ({worst}); bound {BOUND}; {above} of {len(found)} pages are above it"
    )
    console.print(
        f"console.watchers: {seen.ratio:.2f}; bound {WATCHERS_BOUND}: {seen.by_one} requests with one person,"
        f" {seen.by_many} with {MANY}; the first look of another role: {seen.for_other_role}"
    )


@asynccontextmanager
async def _listened(on: Stage) -> AsyncIterator[tuple[str, Heard]]:
    """A second console whose calls pass through relays."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with relays(on.system.environment) as (urls, heard), httpx.AsyncClient(trust_env=False) as http:
        environment = console_environment(on.system.installation, on.system.environment | urls)
        environment["ENLACE_SPANS_DIRECTORY"] = str(on.system.installation.state / "listened-spans")
        process = await asyncio.create_subprocess_exec(
            *console_command(port), cwd=ROOT, env={**os.environ, **environment}, stdout=asyncio.subprocess.DEVNULL
        )

        async def up() -> bool:
            try:
                return (await http.get(f"{url}/readyz")).is_success
            except httpx.TransportError:
                return False

        try:
            await until(up, what="the second console to be ready", within_s=60)
            yield url, heard
        finally:
            process.terminate()
            await process.wait()
