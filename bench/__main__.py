"""`python -m bench`: measures Enlace, the floor and the usual stack in turns, then parts such as the event bus.

Prints tables and one line per measurement, and writes `.enlace/bench.json`. Every figure is a ratio within the run, or
is given together with the figure of a reference from the same run.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console

from bench import (
    answers,
    candidates,
    clocks,
    flat,
    gate,
    idle,
    ledger,
    lists,
    manifests,
    matching,
    memory,
    path,
    relay,
    secured,
    sync,
    walls,
    year,
)
from bench.console.run import measure as measure_console
from bench.figures import Figures, figures_of
from bench.history import measure_history
from bench.path import Plan, measure_path
from bench.showing import show, show_goals, show_stages, spread_text
from deploy.local.installation import ROOT

OUTPUT = ROOT / ".enlace" / "bench.json"
Measures = dict[str, Callable[[], Awaitable[dict[str, Any]]]]
BUS: Measures = {
    "relay": relay.measure,
    "flat": flat.measure,
    "memory": memory.measure,
    "lists": lists.measure,
    "candidates": candidates.measure,
    "clocks": clocks.measure,
    "answers": answers.measure,
    "gate": gate.measure,
    "manifests": manifests.measure,
    "sync": sync.measure,
    "ledger": ledger.measure,
    "walls": walls.measure,
    "secured": secured.measure,
    "idle": idle.measure,
}
CHAIN, HISTORY, CONSOLE, MATCHING, YEAR = "chain", "history", "console", "matching", "year"
PARTS = (CHAIN, *path.PARTS, HISTORY, *BUS, CONSOLE, MATCHING, YEAR)
"""`chain` is all parts of the event path in one run."""
ALL = (CHAIN, HISTORY, *BUS, CONSOLE, MATCHING, YEAR)
MERGED = frozenset({CHAIN, *path.PARTS})
"""Parts of the file in which figures that were not measured are kept."""
console = Console()
if not console.is_terminal:
    console = Console(width=160)


def main(
    returnees: Annotated[int, typer.Option(min=1, help="Arrivals in one round of the chain, three needs each")] = 4050,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of the event path: Enlace, then the floor")] = 3,
    usual_rounds: Annotated[int, typer.Option(min=0, help="Rounds in which the usual stack has a turn too")] = 1,
    steady_seconds: Annotated[float, typer.Option(min=1, help="How long people arrive at 50/s in each round")] = 15.0,
    solo_people: Annotated[int, typer.Option(min=1, help="People who arrive alone, in all rounds together")] = 51,
    history_events: Annotated[int, typer.Option(min=11, help="Archived events of the history")] = 1_000_000,
    rows: Annotated[int, typer.Option(help="Referrals in the database while pages of the console are measured")] = (
        1_000_000
    ),
    people: Annotated[
        int, typer.Option(min=10_000, help="People in the tables while an arrival is matched")
    ] = 1_000_000,
    year_share: Annotated[float, typer.Option(min=0.001, max=1, help="Which share of a year is replayed")] = 1.0,
    only: Annotated[list[str] | None, typer.Option(help=f"Some of {', '.join(PARTS)}; all by default")] = None,
) -> None:
    """Measure, print, and write .enlace/bench.json; what is not measured keeps its figures there."""
    parts = set(only or ALL)
    if unknown := parts - set(PARTS):
        raise typer.BadParameter(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}")
    parts |= set(path.PARTS) if CHAIN in parts else set()
    plan = Plan(
        parts=frozenset(parts & set(path.PARTS)),
        returnees=returnees,
        rounds=rounds,
        usual_rounds=min(usual_rounds, rounds),
        steady_seconds=steady_seconds,
        solo_people=solo_people,
    )
    others: Measures = {
        **BUS,
        CONSOLE: lambda: measure_console(rows=rows),
        MATCHING: lambda: matching.measure(people=people),
        YEAR: lambda: year.measure(share=year_share),
    }
    uvloop.run(_run(parts, plan, history_events, others))


async def _run(parts: set[str], plan: Plan, history_events: int, others: Measures) -> None:
    measured: Figures = {}
    if plan.parts:
        measured = await _path(plan)
    if HISTORY in parts:
        found = await measure_history(
            events=history_events, returnees=plan.returnees, rounds=plan.rounds, say=console.print
        )
        measured.setdefault(CHAIN, {}).update(found)
        for name, says in (("history_ratio", "time"), ("history_cpu_ratio", "CPU time")):
            console.print(f"history: {says} per returnee, ratio to an empty one: {spread_text(found, name, 2)}")
        _write({CHAIN: found})
    show_goals(console, measured)
    for name, measure in others.items():
        if name in parts:
            _write({name: await measure()})


async def _path(plan: Plan) -> Figures:
    sides = await measure_path(plan, console.print)
    measured = figures_of(sides)
    _write(measured)
    show(console, measured)
    if sides.ours.steady:
        show_stages(console, sides.ours.steady)
    return measured


def _write(measured: Figures) -> None:
    """Replaces the figures that were measured, and keeps the others."""
    figures = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.exists() else {}
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(merged(figures, measured), indent=1) + "\n", encoding="utf-8")


def merged(figures: Figures, measured: Figures) -> Figures:
    """The figures of before with those that were measured. A part of the event path may be measured in several runs."""
    kept = {part: {**figures.get(part, {}), **found} for part, found in measured.items() if part in MERGED}
    return {**figures, **measured, **kept}


if __name__ == "__main__":
    typer.run(main)
