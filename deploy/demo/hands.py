"""Limits how many calls the partners' programs make at a time, and measures how long waiting calls have waited."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

INTAKE_LAG_SECONDS: Final = 0.8
"""While a flight is being registered, the clock is paced as if something had waited this long, so it runs slowly."""


@dataclass
class Hands:
    """Limits the calls at a time. Answers to offers have their own limit, so that other calls do not delay them."""

    _answering: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(12))
    _working: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(6))
    _wanted: dict[int, float] = field(default_factory=dict)
    """The start, in monotonic seconds, of each call that has no answer yet."""
    _number: int = 0
    _intakes: int = 0
    _heard_s: float = 0.0

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        """Waits until one more answer to an offer may be sent."""
        with self._wanting():
            async with self._answering:
                yield

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Waits until one more call of any other kind may be made."""
        with self._wanting():
            async with self._working:
                yield

    @contextmanager
    def intake(self) -> Iterator[None]:
        """Marks the time in which a flight or bus is being registered."""
        self._intakes += 1
        try:
            yield
        finally:
            self._intakes -= 1

    def heard(self, *, after_s: float) -> None:
        """Record that a partner learned about an offer this many real seconds after it was made."""
        self._heard_s = max(self._heard_s, after_s)

    def lag_s(self) -> float:
        """The longest wait in real seconds: of the calls that wait now, and of offers heard since the last call."""
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
