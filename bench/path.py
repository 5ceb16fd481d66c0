"""Measures the event path of Enlace, the floor and the usual stack in turns, as often as there are rounds.

A round is a turn of Enlace, a turn of the floor and, in the first rounds, a turn of the usual stack. In its turn a side
is started, warms up, and does everything that is to be measured. So the same figures of the sides are taken within a
few minutes of each other, and their ratio within a round does not depend on what the machine does in another hour.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.chain import Result, Running, Side, enlace, measure_chain, measure_flight
from bench.floor.run import floor
from bench.manifest import Manifest, several
from bench.solo import measure_solo
from bench.spread import shares
from bench.steady import Steady, measure_steady
from bench.turns import at_rest, enlace_turn, quiet, reference_turn
from bench.usual.run import usual

BULK, FLIGHT, STEADY, SOLO, MANIFEST = "bulk", "flight", "steady", "solo", "manifest"
PARTS: Final = (BULK, FLIGHT, STEADY, SOLO, MANIFEST)
COMPARED: Final = frozenset({BULK, STEADY, SOLO})
"""The floor does these too. It has no REST API, and it does not route a flight together."""
WARM_UP, USUAL_WARM_UP = 270, 30
USUAL_SHARE = 14
"""The usual stack gets one fourteenth of the arrivals, because it needs about as long for them as Enlace for all.

The ratio is still valid, because it compares rates."""
MANIFESTS = 2
"""Manifests in each round. They are short, and their times vary."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is measured, and how much of it."""

    parts: frozenset[str]
    returnees: int
    rounds: int
    usual_rounds: int
    steady_seconds: float
    """In each round."""
    solo_people: int
    """In all rounds together."""

    @property
    def compared(self) -> bool:
        """Whether a reference does any of it."""
        return bool(self.parts & COMPARED)


@dataclass
class Taken:
    """What was measured of one side: a value for each round. Of manifests there are more."""

    bulk: list[Result] = field(default_factory=list)
    flights: list[float] = field(default_factory=list)
    steady: list[Steady] = field(default_factory=list)
    solo: list[list[float]] = field(default_factory=list)
    manifests: list[Manifest] = field(default_factory=list)


@dataclass(frozen=True)
class Sides:
    """What was measured of all sides."""

    ours: Taken = field(default_factory=Taken)
    floor: Taken = field(default_factory=Taken)
    usual: Taken = field(default_factory=Taken)


async def measure_path(plan: Plan, say: Say) -> Sides:
    """Run all rounds; `say` is called after each figure."""
    sides = Sides()
    with tempfile.TemporaryDirectory(prefix="enlace-bench-") as folder:
        async with AsyncExitStack() as stack:
            ours = await stack.enter_async_context(enlace(Path(folder) / "ours"))
            references = ours
            if plan.compared:
                references = await stack.enter_async_context(enlace(Path(folder) / "references"))
                await references.system.halt_services()
                await quiet(references)
            for number in range(plan.rounds):
                await _round(plan, number, sides, ours, references, say)
    return sides


async def _round(plan: Plan, number: int, sides: Sides, ours: Running, references: Running, say: Say) -> None:
    async with enlace_turn(ours) as side:
        await _compared(plan, number, side, sides.ours, f"Enlace, round {number + 1}", say)
        await _own(plan, number, side, sides.ours, say)
    if not plan.compared:
        return
    async with reference_turn(references, floor) as side:
        await _compared(plan, number, side, sides.floor, f"floor, round {number + 1}", say)
    if BULK in plan.parts and number < plan.usual_rounds:
        async with reference_turn(references, usual) as side:
            await measure_chain(side, USUAL_WARM_UP, run=f"usual-{number}-warm-up")
            few = max(1, plan.returnees // USUAL_SHARE)
            sides.usual.bulk.append(await measure_chain(side, few, run=f"usual-{number}"))
            say(f"usual stack, round {number + 1}: {sides.usual.bulk[-1].returnees_per_s:.0f} returnees/s")


async def _compared(plan: Plan, number: int, side: Side, taken: Taken, name: str, say: Say) -> None:
    """What Enlace and the floor both do in their turns."""
    await measure_chain(side, WARM_UP, run=f"warm-up-{number}")
    if BULK in plan.parts:
        taken.bulk.append(await measure_chain(side, plan.returnees, run=f"bulk-{number}"))
        say(f"{name}: {taken.bulk[-1].returnees_per_s:.0f} returnees/s")
    if STEADY in plan.parts:
        await at_rest(side)
        taken.steady.append(await measure_steady(side, run=f"steady-{number}", seconds=plan.steady_seconds))
        say(f"{name}: steady p50 {taken.steady[-1].p50_ms:.0f} ms, p99 {taken.steady[-1].p99_ms:.0f} ms")
    if SOLO in plan.parts:
        await at_rest(side)
        people = shares(plan.solo_people, plan.rounds)[number]
        taken.solo.append(await measure_solo(side, people, run=f"solo-{number}"))
        say(f"{name}: {people} people, each alone")


async def _own(plan: Plan, number: int, side: Side, taken: Taken, say: Say) -> None:
    """What only Enlace does."""
    if FLIGHT in plan.parts:
        await at_rest(side)
        taken.flights.append(await measure_flight(side, run=f"flight-{number}"))
        say(f"Enlace, round {number + 1}: one flight {taken.flights[-1]:.2f} s")
    if MANIFEST in plan.parts:
        await at_rest(side)
        found = await several(side.running, MANIFESTS, run=f"manifest-{number}")
        say(f"Enlace, round {number + 1}: manifests {', '.join(f'{one.seconds:.2f} s' for one in found)}")
        taken.manifests += found
