"""Wake the senders of this process when new deliveries are committed, instead of at their next look.

A hint only: a sender in another process finds the rows by itself.
"""

import asyncio
from weakref import WeakSet

from sqlalchemy import event
from sqlmodel.ext.asyncio.session import AsyncSession

_waiting: WeakSet[asyncio.Event] = WeakSet()
_LISTENING = "services.notifications.wakeups"


def register() -> asyncio.Event:
    """An event that is set after every commit with new deliveries; held weakly, gone when its owner is."""
    wakeup = asyncio.Event()
    _waiting.add(wakeup)
    return wakeup


def wake_after_commit(session: AsyncSession) -> None:
    """Wake the senders once this session's transaction has committed."""
    if _waiting and _LISTENING not in session.info:
        session.info[_LISTENING] = True
        event.listen(session.sync_session, "after_commit", _wake)


def _wake(_: object) -> None:
    for wakeup in _waiting:
        wakeup.set()
