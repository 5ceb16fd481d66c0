"""The installation's clock: the database's time, or a clock that runs faster for rehearsals (pure).

Timers, as-of times, expiries and delivery retries run on this clock. Tokens, signatures, leadership, telemetry and
retention run on real time (DESIGN 5).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class ClockFault(ValueError):  # noqa: N818
    """The clock's settings contradict each other."""


class Timekeeper(Protocol):
    """Maps real time to installation time: a clock with one rate, or with a schedule (`paced_clock.py`)."""

    @property
    def rate(self) -> float:
        """How many seconds pass on the clock while one real second passes."""

    @property
    def fastest(self) -> float:
        """The highest rate that it can have; a faster change of time is a jump."""

    def at(self, real: datetime) -> datetime:
        """Installation time at the aware real time `real`, in UTC."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Maps real time to installation time: `origin + (real - origin) * rate`.

    `rate` is how many seconds pass on the clock while one real second passes; it is above 0. With rate 1 the clock
    shows the database's time. `origin` is the time, with a time zone, at which both clocks agree. It is required if the
    rate is not 1. It must be the same in every process of an installation, and must be stored with the installation.
    """

    rate: float = 1.0
    origin: datetime | None = None

    def __post_init__(self) -> None:
        if not 0 < self.rate < float("inf"):
            raise ClockFault("the clock's rate must be above 0: time never runs backwards")
        if self.rate != 1.0 and self.origin is None:
            raise ClockFault("a clock with a rate other than 1 needs an origin")
        if self.origin is not None and self.origin.tzinfo is None:
            raise ClockFault("the clock's origin needs a time zone")

    @property
    def fastest(self) -> float:
        """Its rate, which never changes."""
        return self.rate

    def at(self, real: datetime) -> datetime:
        """Installation time at the aware real time `real`, in UTC."""
        if self.rate == 1.0 or self.origin is None:
            return real.astimezone(UTC)
        return (self.origin + (real - self.origin) * self.rate).astimezone(UTC)

    def real(self, moment: datetime) -> datetime:
        """The real time at which this clock shows `moment`, in UTC."""
        if self.rate == 1.0 or self.origin is None:
            return moment.astimezone(UTC)
        return (self.origin + (moment - self.origin) / self.rate).astimezone(UTC)
