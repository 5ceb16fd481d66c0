"""The figures of the event path for `.enlace/bench.json`: medians, and for each the best, the least and the most.

A ratio is the median of the ratios of the pairs, not the ratio of two medians.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from bench.path import Sides, Taken
from bench.spread import Spread, quantile, ratios

Figures = dict[str, dict[str, Any]]


def figures_of(sides: Sides) -> Figures:
    """All figures for which something was measured, by part and name."""
    found = {
        "chain": _chain(sides),
        "flight": spread_figures("seconds", sides.ours.flights, 3),
        "steady": _steady(sides),
        "solo": _solo(sides),
        "manifest": spread_figures("seconds", [one.seconds for one in sides.ours.manifests], 3)
        | spread_figures("after_last_answer_s", [one.after_last_answer_s for one in sides.ours.manifests], 3),
    }
    return {part: figures for part, figures in found.items() if figures}


def spread_figures(name: str, values: Sequence[float], digits: int, *, high_is_good: bool = False) -> dict[str, float]:
    """The median under this name, and best, least and most beside it; nothing if there is no value."""
    if not values:
        return {}
    spread = Spread(tuple(values), high_is_good)
    named = {
        name: spread.median,
        f"{name}_best": spread.best,
        f"{name}_least": min(values),
        f"{name}_most": max(values),
    }
    return {key: round(value, digits) for key, value in named.items()}


def _ratio(
    name: str, ours: Sequence[float], theirs: Sequence[float], *, high_is_good: bool = False
) -> dict[str, float]:
    if not ours or not theirs:
        return {}
    return spread_figures(name, ratios(ours, theirs).values, 3, high_is_good=high_is_good)


def _chain(sides: Sides) -> dict[str, Any]:
    rates = {name: [one.returnees_per_s for one in taken.bulk] for name, taken in _sides(sides).items()}
    told: dict[str, Any] = _ratio("ratio_to_floor", rates[""], rates["floor_"], high_is_good=True)
    told |= _ratio("ratio_to_usual", rates[""], rates["usual_"], high_is_good=True)
    for before, taken in _sides(sides).items():
        told |= spread_figures(f"{before}returnees_per_s", rates[before], 1, high_is_good=True)
        told |= spread_figures(f"{before}cpu_ms", [one.cpu_ms for one in taken.bulk], 2)
        told |= _by_process(before, [one.cpu_ms_by_process for one in taken.bulk])
    return told


def _steady(sides: Sides) -> dict[str, Any]:
    told: dict[str, Any] = {}
    ours, floor = sides.ours.steady, sides.floor.steady
    told |= _ratio("p50_ratio", [one.p50_ms for one in ours], [one.p50_ms for one in floor])
    told |= _ratio("p99_ratio", [one.p99_ms for one in ours], [one.p99_ms for one in floor])
    for before, found in (("", ours), ("floor_", floor)):
        told |= spread_figures(f"{before}p50_ms", [one.p50_ms for one in found], 1)
        told |= spread_figures(f"{before}p99_ms", [one.p99_ms for one in found], 1)
        told |= spread_figures(f"{before}cpu_ms_per_person", [one.cpu_ms for one in found], 2)
        told |= _by_process(before, [one.cpu_ms_by_process for one in found])
    return told


def _solo(sides: Sides) -> dict[str, Any]:
    told: dict[str, Any] = {}
    medians = {before: [quantile(one, 0.5) for one in taken.solo] for before, taken in _sides(sides).items()}
    told |= _ratio("p50_ratio", medians[""], medians["floor_"])
    for before, taken in _sides(sides).items():
        told |= spread_figures(f"{before}p50_ms", medians[before], 1)
        if everybody := [wait for one in taken.solo for wait in one]:
            told |= {f"{before}p99_ms": round(quantile(everybody, 0.99), 1), f"{before}people": len(everybody)}
    return told


def _sides(sides: Sides) -> dict[str, Taken]:
    """The sides by what the names of their figures begin with."""
    return {"": sides.ours, "floor_": sides.floor, "usual_": sides.usual}


def _by_process(before: str, found: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """The median of each process. Kafka is listed, but not part of the sums."""
    if not found:
        return {}
    medians = {name: statistics.median(one[name] for one in found) for name in sorted(found[0])}
    return {f"{before}cpu_ms_by_process": {name: round(median, 2) for name, median in medians.items()}}
