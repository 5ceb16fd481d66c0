"""`python -m bench`: the whole chain of Enlace and its floor, side by side in one run, with a table and a JSON file."""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench.chain import Result, Running, enlace, measure_chain, measure_flight
from bench.floor.run import Floor, measure_floor
from bench.floor.run import floor as floor_stages
from deploy.local.installation import ROOT

OUTPUT = ROOT / ".enlace" / "bench.json"
WARM_UP = 270
console = Console()


def main(
    returnees: Annotated[int, typer.Option(help="Arrivals of one measured run, three needs each")] = 4050,
    rounds: Annotated[int, typer.Option(help="Measured runs of each side; the best counts")] = 3,
) -> None:
    """Measure the chain and its floor, print the table, write .enlace/bench.json."""
    asyncio.run(_run(returnees, rounds))


async def _run(returnees: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="enlace-bench-") as folder:
        async with enlace(Path(folder) / "ours") as running:
            ours = await _best("Enlace", running, measure_chain, returnees, rounds)
            flights = [await measure_flight(running, run=f"flight-{number}") for number in range(rounds)]
        async with enlace(Path(folder) / "floor") as running:
            await running.system.halt_services()
            async with floor_stages(running) as stages:
                floor = await _best("floor", stages, measure_floor, returnees, rounds)
    console.print(_table(ours, floor))
    console.print(
        f"one flight of 135, last need reported to last offer committed: {min(flights):.2f} s (goal: under 2 s)"
    )
    _write(ours, floor, min(flights))


Measure = Callable[..., Awaitable[Result]]


async def _best(name: str, running: Running | Floor, measure: Measure, returnees: int, rounds: int) -> Result:
    """The fastest of some runs after a warm-up: what the machine's other work adds is noise, never speed."""
    console.print(f"{name}: warming up")
    await measure(running, WARM_UP, run=f"{name}-warm-up")
    results = []
    for number in range(rounds):
        results.append(await measure(running, returnees, run=f"{name}-{number}"))
        console.print(f"{name}: {results[-1].returnees_per_s:.0f} returnees/s")
    return max(results, key=lambda result: result.returnees_per_s)


def _table(ours: Result, floor: Result) -> Table:
    table = Table(title=f"first arrival event to last offer and webhook row, {ours.returnees} returnees, 3 needs each")
    for column in ("", "returnees/s", "ratio", "CPU ms per returnee", "CPU seconds by process"):
        table.add_column(column, justify="left" if column in {"", "CPU seconds by process"} else "right")
    for name, result in (("Enlace", ours), ("floor", floor)):
        cpu = sum(result.cpu_seconds.values())
        table.add_row(
            name,
            f"{result.returnees_per_s:.0f}",
            f"{result.returnees_per_s / floor.returnees_per_s:.2f}",
            f"{1000 * cpu / result.returnees:.2f}",
            ", ".join(f"{process} {seconds:.1f}" for process, seconds in sorted(result.cpu_seconds.items())),
        )
    return table


def _write(ours: Result, floor: Result, flight_seconds: float) -> None:
    """Keep what other measurements wrote there."""
    figures = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.exists() else {}
    figures["chain"] = {
        "ratio_to_floor": round(ours.returnees_per_s / floor.returnees_per_s, 3),
        "returnees_per_s": round(ours.returnees_per_s, 1),
    }
    figures["flight"] = {"seconds": round(flight_seconds, 3)}
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
