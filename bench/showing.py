"""Prints the figures of the event path as tables: the sides, their ratios, and the goals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figures import Figures
from bench.goals import GOALS
from bench.steady import Steady

THE_FLOOR = (
    "The floor writes to the same tables and sends the same messages, with set-based SQL, through the same PostgreSQL"
    " and Kafka: keys, audit, positions, inbox, outbox, archive and deliveries are included, but 9 of 12 steps and 6 of"
    " 12 clocks of a person. It has no models, rules, encryption, signatures, traces, HTTP, checks of positions and"
    " duplicates, or election of a leader. It does not compare services but takes them in turns, hears no landings,"
    " reads only the topics that it needs, and would not survive a crash."
)
SIDES = {"Enlace": "", "floor": "floor_", "usual stack": "usual_"}
ROWS = (
    ("chain, returnees/s", "chain", "returnees_per_s", "ratio_to_floor", 0),
    ("chain, CPU ms per returnee", "chain", "cpu_ms", None, 2),
    ("steady 50/s, p50 ms", "steady", "p50_ms", "p50_ratio", 0),
    ("steady 50/s, p99 ms", "steady", "p99_ms", "p99_ratio", 0),
    ("steady 50/s, CPU ms per person", "steady", "cpu_ms_per_person", None, 2),
    ("one person alone, p50 ms", "solo", "p50_ms", "p50_ratio", 0),
    ("one flight of 135, last need reported to last offer, s", "flight", "seconds", None, 2),
    ("manifest of 135 by POST to last offer, s", "manifest", "seconds", None, 2),
    ("    of these after the answer to the last POST, s", "manifest", "after_last_answer_s", None, 2),
)
"""Text, part, figure, the figure with the ratio to the floor, and digits."""


def show(console: Console, figures: Figures) -> None:
    """Print the sides, the CPU time by process, and what the floor does."""
    table = Table(title="best, median (least..most) of the rounds; ratios of pairs of rounds")
    for column in ("", "Enlace", "floor", "ratio to the floor"):
        table.add_column(column)
    for says, part, name, ratio, digits in ROWS:
        told = figures.get(part, {})
        if name in told:
            ours, floor = (spread_text(told, f"{before}{name}", digits) for before in ("", "floor_"))
            table.add_row(says, ours, floor, spread_text(told, ratio, 2) if ratio else "")
    console.print(table)
    chain, solo = figures.get("chain", {}), figures.get("solo", {})
    if "usual_returnees_per_s" in chain:
        console.print(f"usual stack: {spread_text(chain, 'usual_returnees_per_s', 1)} returnees/s")
        console.print(f"Enlace to the usual stack: {spread_text(chain, 'ratio_to_usual', 1)}")
    for name, before in SIDES.items():
        if f"{before}p99_ms" in solo:
            people, p99 = solo[f"{before}people"], solo[f"{before}p99_ms"]
            console.print(f"one person alone, {name}: p99 {p99:.0f} ms of {people} people")
    for part, total, says in (("chain", "cpu_ms", "chain"), ("steady", "cpu_ms_per_person", "steady 50/s")):
        for name, before in SIDES.items():
            told = figures.get(part, {})
            if each := told.get(f"{before}cpu_ms_by_process"):
                listed = ", ".join(f"{process} {used:.2f}" for process, used in each.items())
                console.print(f"CPU ms each, {says}, {name}: {told[before + total]:.2f} without Kafka; {listed}")
    if "floor_returnees_per_s" in chain or "floor_p50_ms" in figures.get("steady", {}) or "floor_p50_ms" in solo:
        console.print(THE_FLOOR)


def spread_text(told: Mapping[str, Any], name: str, digits: int) -> str:
    """Best, median and spread of a figure; empty if it was not measured."""
    if name not in told:
        return ""
    best, median, least, most = (
        f"{told[key]:,.{digits}f}" for key in (f"{name}_best", name, f"{name}_least", f"{name}_most")
    )
    return f"{best}, {median} ({least}..{most})"


def show_stages(console: Console, rounds: list[Steady]) -> None:
    """Print the stages of a person in the round with the median p50."""
    middle = sorted(rounds, key=lambda one: one.p50_ms)[len(rounds) // 2]
    console.print("steady 50/s, stages of Enlace in the round with the median p50:")
    for stage, times in middle.stages.items():
        console.print(f"    {stage}: p50 {times.p50_ms:.0f} ms, p99 {times.p99_ms:.0f} ms")


def show_goals(console: Console, figures: Figures) -> None:
    """Print bound and aim beside each figure that has them and was measured; the median counts."""
    table = Table(title="goals of the event path")
    for column in ("figure", "median", "best", "bound", "aim", "reached"):
        table.add_column(column)
    for name, goal in GOALS.items():
        part, _, figure = name.partition(".")
        told = figures.get(part, {})
        if figure in told:
            shown = (f"{value:g} {goal.unit}".rstrip() for value in (told[figure], told[f"{figure}_best"]))
            limits = (f"{value:g} {goal.unit}".rstrip() for value in (goal.bound, goal.aim))
            table.add_row(goal.says, *shown, *limits, goal.reached(told[figure]))
    if table.row_count:
        console.print(table)
