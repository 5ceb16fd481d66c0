"""The pauses of a relay between two reads of the outbox."""

import asyncio
import contextlib
import time

SHORTEST_SECONDS = 0.002
LONGEST_SECONDS = 0.05
IDLE_SECONDS = 0.25
"""The longest pause while no other process writes events. Twenty reads a second would then cost a service that has
nothing to do a third of its CPU time."""
KNOWN_SECONDS = 600.0
"""For how long after the last event of another process the pauses are at most `LONGEST_SECONDS`."""
OTHERS_SECONDS = 5.0
"""The time for which the relay reads often after it found events that no commit of its own process had announced.
Without such events it relies on these announcements, because reading every few milliseconds between two of them costs
more than sending the events."""


class Pause:
    """Ends when a commit of this process is announced by `wakeup`, or when it is time for the next read.

    It uses no task, because there are many pauses in a second.
    """

    def __init__(self, wakeup: asyncio.Event) -> None:
        self._wakeup = wakeup
        self._announced = False
        self._seconds = SHORTEST_SECONDS
        self._others_until = time.monotonic() + OTHERS_SECONDS
        self._others_known_until = float("-inf")

    def begin(self) -> None:
        """To be called before a read: commits from now on are announced for the next one."""
        self._announced = self._wakeup.is_set()
        self._wakeup.clear()

    def found(self, *, more: bool) -> None:
        """To be called after rows were read and sent. `more`: other rows were probably left."""
        # A row can be read a moment before its commit is announced. This has happened by now.
        if not self._announced and not self._wakeup.is_set():
            self._others_until = time.monotonic() + OTHERS_SECONDS
            self._others_known_until = time.monotonic() + KNOWN_SECONDS
        self._seconds = 0.0 if more else SHORTEST_SECONDS

    async def end(self, *, at_most: float) -> None:
        """Wait. The pauses grow while nothing is found, and are never longer than `at_most` seconds."""
        longest = LONGEST_SECONDS if time.monotonic() < self._others_known_until else IDLE_SECONDS
        if self._seconds and time.monotonic() > self._others_until:
            self._seconds = longest
        # The timer must not set the event: it says whether a commit was announced.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(self._seconds, at_most)):
                await self._wakeup.wait()
        self._seconds = min(self._seconds * 2, longest) or SHORTEST_SECONDS
