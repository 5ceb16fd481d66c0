"""Measures the CPU time of a system that has nothing to do, compared with the floor that has nothing to do.

Both have processed some people before. An installation rests most of the day, so this is what it costs to keep it
running on a small machine. The sides take turns. Kafka and PostgreSQL count, because a service that asks them often
makes them work.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from bench.chain import Side, enlace, measure_chain
from bench.figures import spread_figures
from bench.floor.run import floor
from bench.measuring import cpu_seconds, spent
from bench.spread import ratios
from bench.turns import at_rest, enlace_turn, quiet, reference_turn

ROUNDS: Final = 3
PEOPLE: Final = 30
CALM_SECONDS: Final = 15.0
"""Longer than the times after which parts of Enlace look for work less often."""
MEASURED_SECONDS: Final = 30.0


async def measure(*, rounds: int = ROUNDS) -> dict[str, Any]:
    """Returns milliseconds of CPU time per second by process, and prints one line."""
    ours, theirs = list[dict[str, float]](), list[dict[str, float]]()
    with tempfile.TemporaryDirectory(prefix="enlace-bench-") as folder:
        async with AsyncExitStack() as stack:
            running = await stack.enter_async_context(enlace(Path(folder) / "ours"))
            await running.system.halt_services()
            await quiet(running)
            references = await stack.enter_async_context(enlace(Path(folder) / "references"))
            await references.system.halt_services()
            await quiet(references)
            for number in range(rounds):
                async with enlace_turn(running) as side:
                    ours.append(await _at_rest(side, run=f"idle-{number}"))
                async with reference_turn(references, floor) as side:
                    theirs.append(await _at_rest(side, run=f"idle-{number}"))
    figures = figures_of(ours, theirs)
    each = ", ".join(f"{name} {used}" for name, used in figures["ms_per_s_by_process"].items())
    print(
        f"idle: {figures['ms_per_s']:.0f} ms of CPU time per second ({each}); the floor"
        f" {figures['floor_ms_per_s']:.0f}; ratio {figures['ratio_to_floor']:.2f}"
    )
    return figures


def figures_of(ours: list[dict[str, float]], theirs: list[dict[str, float]]) -> dict[str, Any]:
    """Medians of the sums and of their ratios, and the processes of the last round."""
    sums, floor_sums = [sum(one.values()) for one in ours], [sum(one.values()) for one in theirs]
    return {
        **spread_figures("ms_per_s", sums, 1),
        **spread_figures("floor_ms_per_s", floor_sums, 1),
        **spread_figures("ratio_to_floor", ratios(sums, floor_sums).values, 2),
        "ms_per_s_by_process": {name: round(used, 1) for name, used in ours[-1].items()},
    }


async def _at_rest(side: Side, *, run: str) -> dict[str, float]:
    await measure_chain(side, PEOPLE, run=run)
    await at_rest(side)
    await asyncio.sleep(CALM_SECONDS)
    before = cpu_seconds(side.pids)
    await asyncio.sleep(MEASURED_SECONDS)
    used = spent(before, cpu_seconds(side.pids))
    return {name: 1000 * seconds / MEASURED_SECONDS for name, seconds in used.items()}
