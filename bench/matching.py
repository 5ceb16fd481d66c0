"""Compares the time of matching one arrival with a million people in the tables and with ten thousand.

Two installations are filled in the same way. Then the same people arrive at both in turns: each is registered over
HTTP, and the clerk asks at once who may be the same person. That call compares the person with those who share a
blocking key, and it is what is measured. Every fifth has been registered before and must be found. Only the API of
registration runs, so that each comparison happens in the call and none in the background.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bench.crowd import PLACE, Place, fill_people, secret_of
from bench.manifest import RECEPTION
from bench.names import Sample, sample
from bench.spread import quantile
from deploy.demo.client import Caller
from deploy.demo.world import World, callers_of
from deploy.local.installation import SERVICES, Installation
from deploy.local.keyring import key_32_bytes
from deploy.local.postgres import PostgresServer
from deploy.local.supervisor import System, running_system
from libs.chassis.http_settings import UNLIMITED

FEW: Final = 10_000
ARRIVALS: Final = 600
"""How many people arrive at each installation after a warm-up."""
WARM_UP: Final = 60
AGAIN_EVERY: Final = 5
"""Every fifth arrival is somebody who was registered before."""
_NEW_SEED: Final = 2


@dataclass
class Side:
    """An installation, and how long the answers took there, in milliseconds."""

    url: str
    caller: Caller
    people: int
    filled_s: float
    waits: list[float] = field(default_factory=list)


async def measure(*, people: int = 1_000_000, few: int = FEW, arrivals: int = ARRIVALS) -> dict[str, Any]:
    """Fill both, and let people arrive at them in turns; prints one line."""
    with tempfile.TemporaryDirectory(prefix="enlace-bench-matching-") as folder:
        async with AsyncExitStack() as stack:
            sides = [
                await stack.enter_async_context(_side(Path(folder) / name, count))
                for name, count in (("few", few), ("many", people))
            ]
            for number in range(-WARM_UP, arrivals):
                one = arriving(number, known=few)
                # The sides take turns, so that other work on the machine affects both equally.
                for side in sides[:: -1 if number % 2 else 1]:
                    wait = await _matched(side, one, must_find=is_again(number))
                    side.waits += [wait] if number >= 0 else []
    figures = figures_of(*sides)
    print(
        f"matching: one arrival against {people:,} people p50 {figures['many_p50_ms']:.0f} ms,"
        f" p99 {figures['many_p99_ms']:.0f} ms; against {few:,} p50 {figures['few_p50_ms']:.0f} ms,"
        f" p99 {figures['few_p99_ms']:.0f} ms; ratio of p99 {figures['ratio_p99']:.2f};"
        f" filled in {figures['filled_s']:.0f} s"
    )
    return figures


def figures_of(few: Side, many: Side) -> dict[str, Any]:
    """Quantiles of both sides, and their ratios."""
    figures: dict[str, Any] = {"people": many.people, "filled_s": round(many.filled_s, 1)}
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        small, large = quantile(few.waits, share), quantile(many.waits, share)
        figures |= {f"few_{name}_ms": round(small, 1), f"many_{name}_ms": round(large, 1)}
        figures[f"ratio_{name}"] = round(large / small, 2)
    return figures


def is_again(number: int) -> bool:
    """Whether the arrival with this number is somebody who was registered before."""
    return number % AGAIN_EVERY == 0


def arriving(number: int, *, known: int) -> Sample:
    """The person with this number among those who arrive. Who comes again is one of the first `known`, each once."""
    if is_again(number):
        return sample((number // AGAIN_EVERY + WARM_UP) % known)
    return sample(number + WARM_UP, seed=_NEW_SEED)


async def _matched(side: Side, one: Sample, *, must_find: bool) -> float:
    """Register the person, and ask for matches; returns the milliseconds of the second call."""
    person = await side.caller.post(f"{side.url}/returnees", intake(one))
    began = time.perf_counter()
    told = await side.caller.get(f"{side.url}/returnees/{person['id']}/matches")
    wait = 1000 * (time.perf_counter() - began)
    assert told["compared"], "the person is compared in this call"
    assert told["items"] or not must_find, "who was registered before is found"
    return wait


def intake(one: Sample) -> dict[str, Any]:
    """The registration of this person over HTTP."""
    contact = None if one.phone is None else {"channel": "sms", "address": one.phone, "language": "spa"}
    body = {
        "arrived_at": datetime.now(UTC).isoformat(),
        "reception_place": PLACE,
        "identity": {
            "given_names": one.given_names,
            "family_names": one.family_names,
            "birth_date": one.birth_date.isoformat(),
        },
        "profile": {
            "sex": one.sex,
            "nationality": "GT",
            "identity_document": "lost_on_route",
            "languages": ["spa"],
            "destination": one.destination,
        },
    }
    return body if contact is None else body | {"safe_contact": contact}


@asynccontextmanager
async def _side(folder: Path, count: int) -> AsyncIterator[Side]:
    async with _registration(folder) as system, callers_of(World.of(system)) as callers:
        began = time.monotonic()
        await fill_people(_place(system), count, at=datetime.now(UTC))
        url = f"{system.environment['ENLACE_REGISTRATION_URL']}/v1"
        yield Side(url, callers.of(RECEPTION), count, time.monotonic() - began)


@asynccontextmanager
async def _registration(folder: Path) -> AsyncIterator[System]:
    """Registration alone, and of it only the API."""
    (service,) = (one for one in SERVICES if one.word == "REGISTRATION")
    traced = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"}
    installation = Installation(
        state=folder / "enlace",
        extra={**UNLIMITED, **traced},
        own={service.name: {"ENLACE_ROLE": "api"}},
        services=(service,),
    )
    async with running_system(installation, say=lambda _: None) as system:
        yield system


def _place(system: System) -> Place:
    port = urlsplit(system.databases["ENLACE_REGISTRATION_DATABASE_URL"]).port
    assert port is not None
    keyring = system.installation.keyring
    server = PostgresServer(port=port, keyring=keyring, child=system.parts["postgres"].child)
    secret = secret_of(keyring.get("vault", key_32_bytes))
    return Place(server.url("registration"), server.url("registration_keys"), secret)
