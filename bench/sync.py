"""Measures `POST /v1/sync` with 500 operations, compared with a bare INSERT over HTTP.

A device made them without a line. They register a hundred people, and for each report a need, record a consent, set the
safe contact and correct the destination. The reference is as many INSERTs of one row, one after the other, because a
device is one client and its operations are taken in one after the other. Each round begins when all events of the one
before are consumed. Then the device sends the same request once more, as it does if the answer was lost.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx

from bench.answers import Call, bare
from bench.chain import Running, enlace
from bench.figures import spread_figures
from bench.manifest import PLACE, reception
from bench.names import sample
from bench.resting import rest
from bench.spread import ratios
from deploy.demo.client import Caller

PEOPLE: Final = 100
OPERATIONS: Final = 500
ROUNDS: Final = 5
TIMEOUT_SECONDS: Final = 300.0
_AWAY: Final = timedelta(hours=1)
_STEP: Final = timedelta(seconds=5)


@dataclass
class Taken:
    """Operations per second of each round: taken in, sent again, and bare INSERTs."""

    ours: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)


async def measure(*, rounds: int = ROUNDS) -> dict[str, Any]:
    """Returns the figures by name and prints one line."""
    with tempfile.TemporaryDirectory(prefix="enlace-bench-") as folder:
        async with enlace(Path(folder) / "sync") as running, reception(running) as caller:
            # One request takes seconds. A repetition by the client would be measured as one more.
            caller.connections.http.timeout = httpx.Timeout(TIMEOUT_SECONDS)
            figures = figures_of(await _taken(running, caller, rounds))
    print(
        f"sync: {OPERATIONS} operations in {figures['seconds']:.2f} s, {figures['per_s']:.0f}/s; sent again"
        f" {figures['again_per_s']:.0f}/s; a bare INSERT {figures['bare_per_s']:.0f}/s; ratio"
        f" {figures['ratio_to_bare']:.2f}"
    )
    return figures


def figures_of(taken: Taken) -> dict[str, Any]:
    """Medians of the rates, and of the ratios of the rounds."""
    return {
        **spread_figures("per_s", taken.ours, 1, high_is_good=True),
        **spread_figures("again_per_s", taken.again, 1, high_is_good=True),
        **spread_figures("bare_per_s", taken.bare, 1, high_is_good=True),
        **spread_figures("seconds", [OPERATIONS / one for one in taken.ours], 3),
        **spread_figures(
            "ratio_to_bare", ratios(taken.ours, taken.bare, high_is_good=True).values, 3, high_is_good=True
        ),
    }


async def _taken(running: Running, caller: Caller, rounds: int) -> Taken:
    taken, url = Taken(), f"{running.system.environment['ENLACE_REGISTRATION_URL']}/v1/sync"
    async with bare(running) as inserting:
        for number in range(rounds):
            body = request(number)
            await rest(running)
            taken.ours.append(await _sent(caller, url, body, replayed=False))
            taken.again.append(await _sent(caller, url, body, replayed=True))
            await rest(running)
            taken.bare.append(await _inserted([inserting(uuid4()) for _ in range(OPERATIONS)]))
    return taken


async def _sent(caller: Caller, url: str, body: dict[str, Any], *, replayed: bool) -> float:
    """Operations per second of one request; each operation must be done, and before only if `replayed`."""
    began = time.monotonic()
    answer = await caller.post(url, body)
    rate = OPERATIONS / (time.monotonic() - began)
    refused = [one["problem"] for one in answer["results"] if one["outcome"] != "done" or one["replayed"] != replayed]
    assert not refused, f"{len(refused)} operations were not done, the first with {refused[0]}"
    return rate


async def _inserted(calls: list[Call]) -> float:
    began = time.monotonic()
    for call in calls:
        (await call()).raise_for_status()
    return len(calls) / (time.monotonic() - began)


def request(number: int) -> dict[str, Any]:
    """The request of a device that was an hour without a line. Each number is another device with other people."""
    now = datetime.now(UTC)
    numbers = range(number * PEOPLE, (number + 1) * PEOPLE)
    made = [one for person in numbers for one in _operations_of(person, now - _AWAY)]
    for place, one in enumerate(made):
        one |= {"id": str(uuid4()), "sequence": place + 1, "made_at": (now - _AWAY + place * _STEP).isoformat()}
    return {"device_id": str(uuid4()), "sent_at": now.isoformat(), "operations": made}


def _operations_of(number: int, at: datetime) -> Iterator[dict[str, Any]]:
    one, person_id = sample(number), str(uuid4())
    identity = {
        "given_names": one.given_names,
        "family_names": one.family_names,
        "birth_date": one.birth_date.isoformat(),
    }
    profile = {"sex": one.sex, "nationality": "GT", "identity_document": "lost_on_route", "languages": ["spa"]}
    arrived = {"arrived_at": at.isoformat(), "reception_place": PLACE, "identity": identity, "profile": profile}
    yield {"kind": "register", "person_id": person_id, "data": arrived}
    for kind, data in (
        ("report_need", {"category": "food", "urgency": "normal"}),
        ("give_consent", _consent(at)),
        ("set_safe_contact", {"channel": "sms", "address": f"+5025{number:07}", "language": "spa"}),
        ("correct", {"profile": {"destination": one.destination}}),
    ):
        yield {"kind": kind, "returnee_id": person_id, "data": data}


def _consent(at: datetime) -> dict[str, Any]:
    return {
        "purpose": "referral",
        "recipient_class": "providers",
        "data_described": "My needs and how to reach me (sample)",
        "given_by": "self",
        "method": "signature",
        "revocation_explained": True,
        "language": "spa",
        "staff_reference": "desk-3",
        "given_at": at.isoformat(),
        "expires_at": (at + timedelta(days=365)).isoformat(),
    }
