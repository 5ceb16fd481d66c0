"""Measures how long a manifest of 135 people takes to be accepted, compared with a bare COPY of its rows.

In each round a reception system announces a flight with its manifest by `POST /v1/arrival-batches`. Then the same rows
are copied in clear into a table with a primary key only: over HTTP, with the same body, and by asyncpg alone. One call
at a time, as a reception system does it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import asyncpg
import httpx

from bench.answers import bare_server
from bench.arrivals import FLIGHT_SIZE
from bench.bare_insert import copy_entries, entry_rows
from bench.chain import Running, enlace
from bench.figures import spread_figures
from bench.manifest import PLACE, reception
from bench.names import sample
from bench.spread import ratios
from deploy.demo.client import Caller

ROUNDS: Final = 40
WARM_UP: Final = 5


@dataclass
class Taken:
    """The milliseconds of each round: of the manifest, and of both COPYs."""

    ours: list[float] = field(default_factory=list)
    over_http: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)

    def add(self, ours: float, over_http: float, alone: float) -> None:
        """Add one round."""
        self.ours.append(ours)
        self.over_http.append(over_http)
        self.alone.append(alone)


async def measure(*, rounds: int = ROUNDS) -> dict[str, Any]:
    """Returns the figures by name and prints one line."""
    with tempfile.TemporaryDirectory(prefix="enlace-bench-") as folder:
        async with enlace(Path(folder) / "manifests") as running, reception(running) as caller:
            figures = figures_of(await _taken(running, caller, rounds))
    print(
        f"manifests: {FLIGHT_SIZE} people accepted in {figures['ms']:.1f} ms; a COPY of the rows over HTTP"
        f" {figures['http_copy_ms']:.1f} ms, by the driver alone {figures['copy_ms']:.1f} ms; ratios"
        f" {figures['ratio_to_http_copy']:.2f} and {figures['ratio_to_copy']:.2f}"
    )
    return figures


def figures_of(taken: Taken) -> dict[str, Any]:
    """Medians of the times, and of the ratios of the rounds."""
    return {
        **spread_figures("ms", taken.ours, 2),
        **spread_figures("http_copy_ms", taken.over_http, 2),
        **spread_figures("copy_ms", taken.alone, 2),
        **spread_figures("ratio_to_http_copy", ratios(taken.ours, taken.over_http).values, 2),
        **spread_figures("ratio_to_copy", ratios(taken.ours, taken.alone).values, 2),
    }


async def _taken(running: Running, caller: Caller, rounds: int) -> Taken:
    taken = Taken()
    url = f"{running.system.environment['ENLACE_REGISTRATION_URL']}/v1/arrival-batches"
    connection = await asyncpg.connect(running.owner_url("REFERRAL"))
    try:
        async with bare_server(running) as http:
            for number in range(rounds + WARM_UP):
                body = announced(number)
                works = (
                    partial(_accepted, caller, url, body),
                    partial(_copied, http, body),
                    partial(_copied_alone, connection, body),
                )
                times = [await _milliseconds(work) for work in works]
                if number >= WARM_UP:
                    taken.add(*times)
    finally:
        await connection.close()
    return taken


async def _milliseconds(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return 1000 * (time.perf_counter() - began)


async def _accepted(caller: Caller, url: str, body: dict[str, Any]) -> None:
    told = await caller.post(url, body)
    assert told["entries_count"] == FLIGHT_SIZE, "everybody is announced"


async def _copied(http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    (await http.post(f"/batches/{uuid4()}", json=body)).raise_for_status()


async def _copied_alone(connection: Any, body: dict[str, Any]) -> None:
    await copy_entries(connection, entry_rows(uuid4(), body["entries"]))


def announced(number: int) -> dict[str, Any]:
    """The announcement of a flight with its manifest. No two flights have the same people."""
    return {
        "sender_reference": f"manifests-{uuid4()}",
        "mode": "flight",
        "reception_place": PLACE,
        "expected_at": datetime.now(UTC).isoformat(),
        "entries": [_entry(place) for place in range(number * FLIGHT_SIZE, (number + 1) * FLIGHT_SIZE)],
    }


def _entry(number: int) -> dict[str, str]:
    one = sample(number)
    return {
        "sender_reference": f"seat-{number}",
        "given_names": one.given_names,
        "family_names": one.family_names,
        "birth_date": one.birth_date.isoformat(),
        "sex": one.sex,
        "nationality": "GT",
    }
