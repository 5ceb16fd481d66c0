"""Background work of a process: loops that are restarted when they fail, and stopped in order."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from libs.chassis.health import Check, Unready
from libs.chassis.logs import get_logger
from libs.chassis.settings import Role
from libs.waiting.pauses import is_set_within

log = get_logger(__name__)
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 15.0
_SETTLED_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Loop:
    """Background work that runs until its stop event is set; then it finishes the current work and returns.

    A loop whose role is `all` runs in every process.
    """

    name: str
    run: Callable[[asyncio.Event], Awaitable[None]]
    role: Role


class Supervisor:
    """Keeps loops running: if one raises, the error is logged and the loop restarted after a growing pause with jitter.

    To stop, the stop event is set; loops that have not returned after `deadline_seconds` are cancelled.
    """

    def __init__(self, loops: Sequence[Loop], *, deadline_seconds: float = 10.0) -> None:
        self._keepers = [_Keeper(loop) for loop in loops]
        self._deadline = deadline_seconds
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start every loop."""
        self._tasks = [asyncio.create_task(keeper.keep(self._stop), name=keeper.loop.name) for keeper in self._keepers]

    def ask_to_stop(self) -> None:
        """Set the stop event and return at once."""
        self._stop.set()

    async def stop(self) -> None:
        """Stop every loop: ask, wait until the deadline, cancel."""
        self._stop.set()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=self._deadline)
        for task in late:
            log.warning("loop.cancelled", loop=task.get_name(), deadline_seconds=self._deadline)
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def checks(self) -> dict[str, Check]:
        """One readiness check per loop."""
        return {f"loop:{keeper.loop.name}": keeper.check for keeper in self._keepers}


class _Keeper:
    """Runs one loop again and again."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self._failures = 0
        self._started_at: float | None = None
        self._fault: str | None = "not started"

    async def keep(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._started_at = time.monotonic()
            if self._failures == 0:
                self._fault = None
            try:
                await self.loop.run(stop)
                if stop.is_set():
                    return
                self._failed("ended by itself", None)
            except Exception as error:  # an error of a loop must not end the process
                self._failed(type(error).__name__, error)
            await self._pause(stop)

    async def check(self) -> None:
        """Ready once the loop runs; after a failure once it has run for a while."""
        settled = self._started_at is not None and time.monotonic() - self._started_at > _SETTLED_SECONDS
        if self._fault is not None and not settled:
            raise Unready(f"{self._fault}, {self._failures} failures in a row")

    def _failed(self, fault: str, error: BaseException | None) -> None:
        if self._started_at is not None and time.monotonic() - self._started_at > _LONGEST_PAUSE_SECONDS:
            self._failures = 0
        self._failures += 1
        self._fault = fault
        self._started_at = None
        log.error("loop.failed", error=error, loop=self.loop.name, failures=self._failures, reason=fault)

    async def _pause(self, stop: asyncio.Event) -> None:
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** min(self._failures, 10))
        await is_set_within(stop, random.uniform(longest / 2, longest))  # noqa: S311 (jitter)
