"""Measures a mass arrival: 2,000 people get wristbands, and ten clerks register them over HTTP.

The reference is a bare INSERT of one row over HTTP with as many clerks, in the same run. It also returns how many times
faster than needed the clerks are, if 2,000 people must be registered in an hour.
"""

import asyncio
import tempfile
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.answers import Call, bare
from bench.chain import Running, enlace
from bench.manifest import PLACE, reception
from bench.resting import rest
from deploy.demo.client import Caller
from deploy.demo.loading import in_turns

PEOPLE = 2_000
CLERKS = 10
SHEET = 500
HOUR_S = 3_600.0


async def measure(*, people: int = PEOPLE) -> dict[str, Any]:
    """Returns the figures by name and prints one line."""
    with tempfile.TemporaryDirectory(prefix="enlace-bench-") as folder:
        async with enlace(Path(folder) / "gate") as running, reception(running) as caller:
            return await _gate(running, caller, people)


async def _gate(running: Running, caller: Caller, people: int) -> dict[str, Any]:
    url = f"{running.system.environment['ENLACE_REGISTRATION_URL']}/v1"
    batch, codes = await _bands(url, caller, people)
    per_s = await _rate([_registering(url, caller, batch, code) for code in codes])
    figures = await caller.get(f"{url}/arrival-batches/{batch}/check-ins")
    assert (figures["registered"], figures["open_wristbands"]) == (people, 0), "nobody is lost"
    await rest(running)
    async with bare(running) as inserting:
        least = await _rate([_called(inserting(uuid4())) for _ in range(people)])
    print(
        f"gate: {people} people with wristbands registered by {CLERKS} clerks, {per_s:.0f}/s; a bare INSERT"
        f" {least:.0f}/s; ratio {per_s / least:.2f}; {per_s * HOUR_S / PEOPLE:.0f} times {PEOPLE} an hour"
    )
    return {
        "per_s": round(per_s, 1),
        "bare_per_s": round(least, 1),
        "ratio_to_bare": round(per_s / least, 3),
        "times_2000_an_hour": round(per_s * HOUR_S / PEOPLE, 1),
    }


async def _bands(url: str, caller: Caller, people: int) -> tuple[str, list[str]]:
    """A landed batch, and the codes of wristbands that its people have."""
    told = {
        "sender_reference": f"gate-{uuid4()}",
        "mode": "flight",
        "reception_place": PLACE,
        "expected_at": datetime.now(UTC).isoformat(),
    }
    batch = (await caller.post(f"{url}/arrival-batches", told))["id"]
    await caller.post(f"{url}/arrival-batches/{batch}/land", {"people_count": 0})
    codes: list[str] = []
    while len(codes) < people:
        count = min(SHEET, people - len(codes))
        sheet = (await caller.post(f"{url}/arrival-batches/{batch}/wristbands", {"count": count}))["codes"]
        await caller.post(f"{url}/check-ins", {"items": [{"wristband": one, "stage": "welcomed"} for one in sheet]})
        codes += sheet
    return batch, codes


async def _registering(url: str, caller: Caller, batch: str, code: str) -> None:
    body = {
        "arrival_batch_id": batch,
        "wristband": code,
        "arrived_at": datetime.now(UTC).isoformat(),
        "identity": {"given_names": "Persona Inventada", "family_names": f"Muestra {code[:2]}"},
        "profile": {"nationality": "GT", "identity_document": "lost_on_route"},
    }
    await caller.post(f"{url}/returnees", body)


async def _called(call: Call) -> None:
    (await call()).raise_for_status()


async def _rate(works: list[Coroutine[Any, Any, None]]) -> float:
    """How many are done per second by CLERKS at a time."""
    started = time.monotonic()
    await in_turns(iter(works), at_once=CLERKS)
    return len(works) / (time.monotonic() - started)


if __name__ == "__main__":
    asyncio.run(measure())
