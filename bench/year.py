"""Measures whether an arrival costs the same at the end of a year as at its beginning.

The flights and buses of one year (529 and 384, as the press counted for Guatemala in 2025), each with as many people as
those of the demo, are sent as arrival events as fast as Kafka accepts them, with three needs for everybody. The figures
are the rates of the first and of the last tenth of the people: until they are registered, and until the deliveries of
their offers are written.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Final

import asyncpg

from bench.arrivals import NEEDS, Message, arrivals, landings, send_all
from bench.chain import PATIENCE_SECONDS, Running, enlace, measure_chain, tell_landings
from bench.measuring import seconds_between, until, value
from bench.names import sample
from bench.path import WARM_UP
from bench.resting import rest
from deploy.packs.demo_data import Traffic, load_demo
from libs.chassis.walls import WORKS_FOR

FLIGHTS: Final = 529
BUSES: Final = 384
PLACE_OF: Final = {"flight": "GT01", "bus": "GT12"}
TENTHS: Final = 10
LOOK_SECONDS: Final = 2.0
PATIENCE: Final = 6 * PATIENCE_SECONDS
_REGISTERED: Final = (
    "SELECT registered_at AS at, count(*) FROM returnee WHERE registered_at >= $1 GROUP BY 1 ORDER BY 1"
)
_DELIVERED: Final = "SELECT stored_at AS at, count(*) FROM delivery WHERE stored_at >= $1 GROUP BY 1 ORDER BY 1"
_HOW_MANY: Final = {
    "REGISTRATION": "SELECT count(*) FROM returnee WHERE registered_at >= $1",
    "NOTIFICATIONS": "SELECT count(*) FROM delivery WHERE stored_at >= $1",
}
Moments = Sequence[tuple[datetime, int]]
"""Moments in their order, each with the number of rows that were written then."""


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One flight or bus."""

    run: str
    mode: str
    people_count: int


@dataclass(frozen=True, slots=True)
class Rates:
    """Rows per second."""

    whole: float
    first_tenth: float
    last_tenth: float

    @property
    def flat(self) -> float:
        """The rate of the last tenth to that of the first: 1 if the cost stays the same."""
        return self.last_tenth / self.first_tenth


async def measure(*, share: float = 1.0) -> dict[str, Any]:
    """Send this share of the year's flights and buses; prints one line."""
    with tempfile.TemporaryDirectory(prefix="enlace-bench-") as folder:
        async with enlace(Path(folder) / "year") as running:
            await measure_chain(running.side, WARM_UP, run="year-warm-up")
            await rest(running)
            vehicles = vehicles_of(load_demo(running.installation.pack).traffic, share=share)
            registered, delivered = await _replayed(running, vehicles)
            waiting = await value(running.url("REGISTRATION"), "SELECT count(*) FROM comparison_due")
    people = sum(one.people_count for one in vehicles)
    print(
        f"year: {people:,} people on {len(vehicles)} flights and buses, registered {registered.whole:.0f}/s"
        f" (first tenth {registered.first_tenth:.0f}, last {registered.last_tenth:.0f}, ratio {registered.flat:.2f});"
        f" with their offers {delivered.whole:.0f}/s ({delivered.first_tenth:.0f}, {delivered.last_tenth:.0f},"
        f" ratio {delivered.flat:.2f}); {waiting:,} wait to be compared"
    )
    return {
        "people": people,
        "vehicles": len(vehicles),
        **_named("", registered),
        **_named("chain_", delivered),
        "waiting_for_comparison": waiting,
    }


def _named(before: str, rates: Rates) -> dict[str, float]:
    return {
        f"{before}per_s": round(rates.whole, 1),
        f"{before}first_tenth_per_s": round(rates.first_tenth, 1),
        f"{before}last_tenth_per_s": round(rates.last_tenth, 1),
        f"{before}flat": round(rates.flat, 3),
    }


def vehicles_of(traffic: Traffic, *, share: float) -> list[Vehicle]:
    """This share of the year's flights and buses, in a random order that is always the same."""
    chance = Random(2025)  # noqa: S311 - a load, not a secret
    sizes = [("flight", chance.randint(*traffic.on_a_flight)) for _ in range(max(1, round(FLIGHTS * share)))]
    by_land = (chance.randint(*traffic.buses_a_day) for _ in range(max(1, round(BUSES * share))))
    sizes += [("bus", -(-traffic.by_land_a_day // buses)) for buses in by_land]
    chance.shuffle(sizes)
    return [Vehicle(f"year-{number}", *one) for number, one in enumerate(sizes)]


async def _replayed(running: Running, vehicles: Sequence[Vehicle]) -> tuple[Rates, Rates]:
    side, people = running.side, list(people_on(vehicles))
    await tell_landings(side, list(landed(vehicles)))
    started = await send_all(side.bootstrap, people)
    for database, times in (("REGISTRATION", 1), ("NOTIFICATIONS", len(NEEDS))):

        async def done(database: str = database, wanted: int = len(people) * times) -> bool:
            return bool(await value(running.url(database), _HOW_MANY[database], started) >= wanted)

        await until(done, what=f"a year at {database.lower()}", within_s=PATIENCE, every_s=LOOK_SECONDS)
    registered = await _moments(running, "REGISTRATION", _REGISTERED, started)
    delivered = await _moments(running, "NOTIFICATIONS", _DELIVERED, started)
    return rates_of(registered, started), rates_of(delivered, started, rows_each=len(NEEDS))


async def _moments(running: Running, database: str, query: str, started: datetime) -> Moments:
    connection = await asyncpg.connect(running.url(database), server_settings={WORKS_FOR: "service"})
    try:
        return [(row["at"], row["count"]) for row in await connection.fetch(query, started)]
    finally:
        await connection.close()


def landed(vehicles: Sequence[Vehicle]) -> Iterator[Message]:
    """The landing of each vehicle."""
    for one in vehicles:
        yield from landings(one.people_count, run=one.run, mode=one.mode, place=PLACE_OF[one.mode])


def people_on(vehicles: Sequence[Vehicle]) -> Iterator[Message]:
    """The people of each vehicle, with names as frequent as in life, because they are also compared with each other."""
    number = 0
    for vehicle in vehicles:
        for message in arrivals(vehicle.people_count, run=vehicle.run):
            one, number = sample(number), number + 1
            identity = {
                "given_names": one.given_names,
                "family_names": one.family_names,
                "birth_date": one.birth_date.isoformat(),
            }
            yield replace(message, data=json.dumps({**json.loads(message.data), "identity": identity}).encode())


def rates_of(moments: Moments, started: datetime, *, rows_each: int = 1) -> Rates:
    """People per second in the whole time, in the first tenth of the people, and in the last.

    All rows of a transaction have the same time. So a tenth is as many whole transactions as contain it.
    """
    count = sum(rows for _, rows in moments)
    tenth = max(1, count // TENTHS)
    until_first = next(written for written in _written(moments, started) if written[1] >= tenth)
    until_last = [written for written in _written(moments, started) if written[1] <= count - tenth][-1]
    begin, end = (started, 0), (moments[-1][0], count)
    spans = ((begin, end), (begin, until_first), (until_last, end))
    return Rates(*(_rate(*span, rows_each) for span in spans))


def _written(moments: Moments, started: datetime) -> Iterator[tuple[datetime, int]]:
    """The start and each moment, with the number of rows that had been written then."""
    written = 0
    yield started, written
    for at, rows in moments:
        written += rows
        yield at, written


def _rate(first: tuple[datetime, int], last: tuple[datetime, int], rows_each: int) -> float:
    return (last[1] - first[1]) / rows_each / seconds_between(first[0], last[0])
