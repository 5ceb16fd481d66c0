"""The bounds and aims of the event path. `docs/benchmarks.md` explains each figure."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Goal:
    """What one figure must reach (`bound`) and should reach (`aim`)."""

    says: str
    bound: float
    aim: float
    high_is_good: bool = False
    unit: str = ""

    def reached(self, value: float) -> str:
        """Which of the two this value reaches. A value that is equal to a limit reaches it."""
        if self._within(value, self.aim):
            return "aim"
        return "bound" if self._within(value, self.bound) else "no"

    def _within(self, value: float, limit: float) -> bool:
        return value >= limit if self.high_is_good else value <= limit


GOALS: Final[dict[str, Goal]] = {
    "chain.ratio_to_floor": Goal("chain to floor", 0.75, 1.0, high_is_good=True),
    "chain.ratio_to_usual": Goal("chain to usual stack", 25, 40, high_is_good=True),
    "steady.p50_ratio": Goal("steady 50/s, p50 to the floor's", 2.5, 1.5),
    "steady.p99_ratio": Goal("steady 50/s, p99 to the floor's", 2.5, 1.5),
    "solo.p50_ms": Goal("one person alone on an idle system, arrival to last offer published, p50", 60, 35, unit="ms"),
    "manifest.seconds": Goal("manifest of 135 by POST to last offer committed", 1.5, 1.0, unit="s"),
    "steady.cpu_ms_per_person": Goal("CPU per person at 50/s", 12, 8, unit="ms"),
    "chain.history_ratio": Goal("chain with 1 M archived events and history, to an empty one", 1.2, 1.05),
}
"""By the names of the figures in `.enlace/bench.json`. The median of the rounds, or of the pairs, counts."""
