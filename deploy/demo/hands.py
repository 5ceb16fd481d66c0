"""The hands of partners' programs: how many calls are made at a time, and for how long what waits has waited."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

INTAKE_LAG_SECONDS: Final = 0.8
"""While a flight is being registered the clock runs as if something had waited so long: an intake takes its time."""


@dataclass
class Hands:
    """How many calls the programs make at a time. Answers have hands of their own: work must not make them late."""

    _answering: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(12))
    _working: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(6))
    _wanted: dict[int, float] = field(default_factory=dict)
    """Since which monotonic second each call has been wanted that is not answered yet."""
    _number: int = 0
    _intakes: int = 0
    _heard_s: float = 0.0

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        """Room for one answer to an offer."""
        with self._wanting():
            async with self._answering:
                yield

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Room for one call of any other kind."""
        with self._wanting():
            async with self._working:
                yield

    @contextmanager
    def intake(self) -> Iterator[None]:
        """A flight or bus is being registered."""
        self._intakes += 1
        try:
            yield
        finally:
            self._intakes -= 1

    def heard(self, *, after_s: float) -> None:
        """An offer was heard of so many real seconds after it was made."""
        self._heard_s = max(self._heard_s, after_s)

    def lag_s(self) -> float:
        """For how many real seconds the oldest of all this has waited, since the last look."""
        heard, self._heard_s = self._heard_s, 0.0
        oldest = min(self._wanted.values(), default=None)
        called = 0.0 if oldest is None else monotonic() - oldest
        return max(heard, called, INTAKE_LAG_SECONDS if self._intakes else 0.0)

    @contextmanager
    def _wanting(self) -> Iterator[None]:
        self._number += 1
        number = self._number
        self._wanted[number] = monotonic()
        try:
            yield
        finally:
            del self._wanted[number]
