"""Wake the routers of this process when a transaction has committed that gave them work, before their next look.

A hint only: a router in another process looks by itself.
"""

import asyncio
from weakref import WeakSet

from sqlalchemy import event
from sqlmodel.ext.asyncio.session import AsyncSession

_MARK = "services.referral.wakeups"
_waiting: WeakSet[asyncio.Event] = WeakSet()


def register() -> asyncio.Event:
    """An event that is set after every commit that gives a router work; held weakly."""
    wakeup = asyncio.Event()
    _waiting.add(wakeup)
    return wakeup


def wake_after_commit(session: AsyncSession) -> None:
    """Wake the routers of this process once this transaction has committed."""
    if _waiting and _MARK not in session.info:
        session.info[_MARK] = True
        event.listen(session.sync_session, "after_commit", _wake, once=True)


def _wake(_: object) -> None:
    for wakeup in _waiting:
        wakeup.set()
