"""Counts of what the simulation's programs did."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from deploy.demo.client import CallError

FAILURES_KEPT: Final = 20


@dataclass
class Tally:
    """Counts of actions, of refusals by step and code, and of calls that failed although they were allowed."""

    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """Steps that were no longer possible, because the network or a deadline was faster."""
    failed: int = 0
    failures: list[str] = field(default_factory=list)

    def fail(self, error: CallError | TimeoutError) -> None:
        """Count a failure; the texts of the first failures are kept."""
        self.failed += 1
        if len(self.failures) < FAILURES_KEPT:
            self.failures.append(str(error) or type(error).__name__)
