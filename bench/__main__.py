"""`python -m bench`: measures Enlace, the floor and the usual stack in one run, then parts such as the event bus.

Prints a table and one line per measurement, and writes `.enlace/bench.json`. Every figure is a ratio within the run, or
is given together with the figure of a reference from the same run.
"""

import json
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from bench import answers, candidates, clocks, flat, ledger, lists, memory, relay, secured, walls
from bench.chain import Result, Running, enlace, measure_chain, measure_flight
from bench.console.run import measure as measure_console
from bench.floor.run import Floor, measure_floor
from bench.floor.run import floor as floor_stages
from bench.steady import Steady, measure_steady
from bench.usual.run import Usual, measure_usual
from bench.usual.run import usual as usual_stages
from deploy.local.installation import ROOT

OUTPUT = ROOT / ".enlace" / "bench.json"
WARM_UP = 270
USUAL_WARM_UP = 30
USUAL_SHARE = 14
"""The usual stack gets one fourteenth of the arrivals, because it needs about as long for them as Enlace for all.

The ratio is still valid, because it compares rates."""
BUS: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
    "relay": relay.measure,
    "flat": flat.measure,
    "memory": memory.measure,
    "lists": lists.measure,
    "candidates": candidates.measure,
    "clocks": clocks.measure,
    "answers": answers.measure,
    "ledger": ledger.measure,
    "walls": walls.measure,
    "secured": secured.measure,
}
PARTS = ("chain", *BUS, "console")
Figures = dict[str, dict[str, Any]]
console = Console()
if not console.is_terminal:
    console = Console(width=140)


def main(
    returnees: Annotated[int, typer.Option(help="Arrivals of one measured run, three needs each")] = 4050,
    rounds: Annotated[int, typer.Option(help="Measured runs of each side; the best counts")] = 3,
    steady_seconds: Annotated[float, typer.Option(help="How long people arrive at 50 a second")] = 60.0,
    rows: Annotated[int, typer.Option(help="Referrals in the database while pages of the console are measured")] = (
        1_000_000
    ),
    only: Annotated[list[str] | None, typer.Option(help=f"Some of {', '.join(PARTS)}; all by default")] = None,
) -> None:
    """Measure, print, and write .enlace/bench.json; parts that are not measured keep their figures there."""
    parts = only or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        raise typer.BadParameter(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}")
    uvloop.run(_run(parts, returnees, rounds, steady_seconds, rows))


async def _run(parts: list[str], returnees: int, rounds: int, steady_seconds: float, rows: int) -> None:
    if "chain" in parts:
        _write(await _chain(returnees, rounds, steady_seconds))
    measures: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
        **BUS,
        "console": lambda: measure_console(rows=rows),
    }
    for name, measure in measures.items():
        if name in parts:
            _write({name: await measure()})


async def _chain(returnees: int, rounds: int, steady_seconds: float) -> Figures:
    with tempfile.TemporaryDirectory(prefix="enlace-bench-") as folder:
        async with enlace(Path(folder) / "ours") as running:
            ours = await _best("Enlace", running, measure_chain, returnees, rounds)
            flights = [await measure_flight(running, run=f"flight-{number}") for number in range(rounds)]
            steady = await measure_steady(running, run="steady", seconds=steady_seconds)
        async with enlace(Path(folder) / "references") as running:
            await running.system.halt_services()
            async with floor_stages(running) as floor_running:
                floor = await _best("floor", floor_running, measure_floor, returnees, rounds)
                floor_steady = await measure_steady(running, run="floor-steady", seconds=steady_seconds, flights=False)
            async with usual_stages(running) as usual_running:
                few = returnees // USUAL_SHARE
                usual = await _best("usual stack", usual_running, measure_usual, few, rounds, warm_up=USUAL_WARM_UP)
    console.print(_table({"Enlace": ours, "floor": floor, "usual stack": usual}, floor))
    console.print(f"usual stack: Enlace does {ours.returnees_per_s / usual.returnees_per_s:.1f} times as much")
    console.print(f"one flight of 135, last need reported to last offer committed: {min(flights):.2f} s")
    for name, one in (("Enlace", steady), ("floor", floor_steady)):
        console.print(f"steady 50/s, arrival to last offer: {name} p50 {one.p50_ms:.0f} ms, p99 {one.p99_ms:.0f} ms")
    for stage, times in steady.stages.items():
        console.print(f"    {stage}: p50 {times.p50_ms:.0f} ms, p99 {times.p99_ms:.0f} ms")
    return _figures(ours, floor, usual, min(flights), steady, floor_steady)


Measure = Callable[..., Awaitable[Result]]


async def _best(
    name: str,
    running: Running | Floor | Usual,
    measure: Measure,
    returnees: int,
    rounds: int,
    *,
    warm_up: int = WARM_UP,
) -> Result:
    """The fastest of several runs after a warm-up. Other work on the machine can only make a run slower, not faster."""
    console.print(f"{name}: warming up")
    slug = name.lower().replace(" ", "-")
    await measure(running, warm_up, run=f"{slug}-warm-up")
    results = []
    for number in range(rounds):
        results.append(await measure(running, returnees, run=f"{slug}-{number}"))
        console.print(f"{name}: {results[-1].returnees_per_s:.0f} returnees/s")
    return max(results, key=lambda result: result.returnees_per_s)


def _table(results: dict[str, Result], floor: Result) -> Table:
    table = Table(title="first arrival event to last offer and webhook row, 3 needs each")
    for column in ("", "returnees", "returnees/s", "to floor", "CPU ms each", "CPU ms each by process"):
        table.add_column(column, justify="left" if column in {"", "CPU ms each by process"} else "right")
    for name, result in results.items():
        each = {process: 1000 * seconds / result.returnees for process, seconds in result.cpu_seconds.items()}
        table.add_row(
            name,
            f"{result.returnees}",
            f"{result.returnees_per_s:.0f}",
            f"{result.returnees_per_s / floor.returnees_per_s:.2f}",
            f"{sum(each.values()):.2f}",
            ", ".join(f"{process} {spent:.2f}" for process, spent in sorted(each.items())),
        )
    return table


def _figures(ours: Result, floor: Result, usual: Result, flight_s: float, steady: Steady, bare: Steady) -> Figures:
    return {
        "chain": {
            "ratio_to_floor": round(ours.returnees_per_s / floor.returnees_per_s, 3),
            "ratio_to_usual": round(ours.returnees_per_s / usual.returnees_per_s, 1),
            "returnees_per_s": round(ours.returnees_per_s, 1),
        },
        "flight": {"seconds": round(flight_s, 3)},
        "steady": {
            "p50_ms": round(steady.p50_ms, 1),
            "p99_ms": round(steady.p99_ms, 1),
            "floor_p50_ms": round(bare.p50_ms, 1),
            "floor_p99_ms": round(bare.p99_ms, 1),
        },
    }


def _write(measured: Figures) -> None:
    """Replaces the figures of the parts that were measured, and keeps the others."""
    figures = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.exists() else {}
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps({**figures, **measured}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
