"""Wake loops of this process when there is work for them, so that they do not have to wait until they look again.

This is a hint only. A loop in another process is not woken; it finds the work when it looks the next time.
"""

import asyncio
from weakref import WeakSet

from sqlalchemy import event
from sqlmodel.ext.asyncio.session import AsyncSession


class Wakeups:
    """The loops that wait for one kind of work. `name` marks sessions, so it must be unique in the process."""

    def __init__(self, name: str) -> None:
        self._mark = f"wakeups of {name}"
        self._waiting: WeakSet[asyncio.Event] = WeakSet()

    def register(self) -> asyncio.Event:
        """An event that `wake` sets and the caller clears. Only a weak reference is held: keep the event while you
        wait."""
        wakeup = asyncio.Event()
        self._waiting.add(wakeup)
        return wakeup

    @property
    def wanted(self) -> bool:
        """Whether a loop of this process waits."""
        return bool(self._waiting)

    def wake(self) -> None:
        """Set every registered event."""
        for wakeup in self._waiting:
            wakeup.set()

    def wake_after_commit(self, session: AsyncSession) -> None:
        """Wake after this session's transaction has committed. A transaction that is rolled back wakes no loop."""
        if self.wanted and self._mark not in session.info:
            session.info[self._mark] = True
            event.listen(session.sync_session, "after_commit", self._committed)

    def _committed(self, _: object) -> None:
        self.wake()
