"""What the simulation's programs did, counted."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from deploy.demo.client import CallError

FAILURES_KEPT: Final = 20


@dataclass
class Tally:
    """Deeds by word, refusals by step and code, and calls that failed though their caller had every right to them."""

    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """409s: the network or a clock was faster."""
    failed: int = 0
    failures: list[str] = field(default_factory=list)

    def fail(self, error: CallError | TimeoutError) -> None:
        """Note a failure; the first ones in words."""
        self.failed += 1
        if len(self.failures) < FAILURES_KEPT:
            self.failures.append(str(error) or type(error).__name__)
