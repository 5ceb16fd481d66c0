"""The arithmetic of rounds: best, median and spread of one side, and ratios of the sides in pairs of rounds.

The sides take turns. The two rounds of a pair are neighbours, so an hour in which the machine is slow affects both, and
their ratio is comparable with those of other pairs. The best of one side is never divided by the best of the other,
because these rounds may be far apart.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """The values of one figure, one for each round or pair. There is at least one value."""

    values: tuple[float, ...]
    high_is_good: bool = False
    """True for rates, False for times and costs."""

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a figure needs at least one round")

    @property
    def median(self) -> float:
        """The median of all rounds."""
        return statistics.median(self.values)

    @property
    def best(self) -> float:
        """The highest rate, or the shortest time."""
        return max(self.values) if self.high_is_good else min(self.values)


def ratios(ours: Sequence[float], theirs: Sequence[float], *, high_is_good: bool = False) -> Spread:
    """Ours to theirs in each pair of rounds. If one side has fewer rounds, only the first ones are pairs."""
    if any(value <= 0 for value in theirs):
        raise ValueError("a reference of zero or less has no ratio")
    pairs = zip(ours, theirs, strict=False)
    return Spread(tuple(one / other for one, other in pairs), high_is_good)


def quantile(values: Sequence[float], share: float) -> float:
    """The quantile by the nearest-rank method: the smallest value that at least `share` of all values do not exceed."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def shares(total: int, rounds: int) -> list[int]:
    """`total` divided among the rounds, as evenly as possible, with at least one for each round."""
    return [max(1, total // rounds + (number < total % rounds)) for number in range(rounds)]
