"""Measures a manifest of 135 people through registration's REST API, until the last offer of the flight is made.

A reception system announces the flight with its manifest and reports its landing. Then intake desks register every
person with three needs that are not urgent, twelve desks at the same time, each with its own calls. The intake is
complete with the last person, and the needs of the flight are routed together. So the time includes the 137 calls. It
ends when Kafka has stored the last offer, which is shortly after the commit. The time in the offer itself is that of
the beginning of the transaction, which can be much earlier.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bench.arrivals import FLIGHT_SIZE, NEEDS, Message, arrivals
from bench.chain import PATIENCE_SECONDS, Running
from bench.measuring import seconds_between, until
from bench.watching import OFFER_MADE, REFERRAL, Published, ends, published
from deploy.demo.client import Caller
from deploy.demo.landing import DESKS
from deploy.demo.loading import in_turns
from deploy.demo.world import World, callers_of

RECEPTION = "reception-system"
PLACE = "GT01"


@dataclass(frozen=True)
class Manifest:
    """The result of one flight."""

    seconds: float
    """From the first call to the last offer."""
    after_last_answer_s: float
    """From the answer to the last call. What remains is the time of the event path alone."""


@asynccontextmanager
async def reception(running: Running) -> AsyncIterator[Caller]:
    """The client of a reception system, which has its token already."""
    async with callers_of(World.of(running.system)) as callers:
        caller = callers.of(RECEPTION)
        await caller.get(f"{_url(running)}/v1/arrival-batches", limit=1)
        yield caller


def _url(running: Running) -> str:
    return running.system.environment["ENLACE_REGISTRATION_URL"]


async def measure_manifest(running: Running, caller: Caller, *, run: str) -> Manifest:
    """Register one flight, and wait for its offers."""
    people = list(arrivals(FLIGHT_SIZE, run=run, urgency="normal"))
    since = await ends(running.side.bootstrap, REFERRAL)
    started = datetime.now(UTC)
    await _register(f"{_url(running)}/v1", caller, people, run=run)
    answered = datetime.now(UTC)

    made: list[Published] = []

    async def done() -> bool:
        made[:] = [one for one in await published(running.side.bootstrap, since) if one.type == OFFER_MADE]
        return len(made) >= FLIGHT_SIZE * len(NEEDS)

    await until(done, what="offers of a manifest", within_s=PATIENCE_SECONDS)
    last = max(one.at for one in made)
    return Manifest(seconds_between(started, last), seconds_between(answered, last))


async def _register(url: str, caller: Caller, people: list[Message], *, run: str) -> None:
    bodies = [json.loads(one.data) for one in people]
    batch = await caller.post(f"{url}/arrival-batches", _announced(bodies, run))
    await caller.post(f"{url}/arrival-batches/{batch['id']}/land", {"people_count": len(people)})

    async def register(body: dict[str, Any]) -> None:
        await caller.post(f"{url}/returnees", _intake(body, batch["id"]))

    await in_turns((register(body) for body in bodies), at_once=DESKS)


def _announced(bodies: list[dict[str, Any]], run: str) -> dict[str, Any]:
    entries = [
        {
            "sender_reference": body["sender_reference"],
            "given_names": body["identity"]["given_names"],
            "family_names": body["identity"]["family_names"],
        }
        for body in bodies
    ]
    expected_at = datetime.now(UTC).isoformat()
    told = {"sender_reference": run, "mode": "flight", "reception_place": PLACE, "expected_at": expected_at}
    return {**told, "entries": entries}


def _intake(body: dict[str, Any], batch_id: str) -> dict[str, Any]:
    told = {name: part for name, part in body.items() if name != "batch_reference"}
    return {**told, "arrival_batch_id": batch_id, "manifest_reference": body["sender_reference"]}


async def several(running: Running, count: int, *, run: str) -> list[Manifest]:
    """Several flights, one after the other."""
    async with reception(running) as caller:
        return [await measure_manifest(running, caller, run=f"{run}-{number}") for number in range(count)]
