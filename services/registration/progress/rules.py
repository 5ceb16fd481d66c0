"""Which arrival batches are shown with their progress (pure)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.registration.arrivals.rules import BatchStatus

RECENT: Final = timedelta(hours=24)
"""How far back batches with a completed intake are shown if the caller does not say."""
BACK_MAX: Final = timedelta(days=31)
"""How far back they can be shown. The cost of a request grows with the batches of its period."""
OPEN: Final = tuple(status for status in BatchStatus if status is not BatchStatus.INTAKE_COMPLETED)
"""The states of a batch whose intake is not complete."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which batches are asked for: open ones, and those that landed since a time."""

    since: datetime
    area: str | None
    """Only at this place, or at the places whose codes begin with this code."""
