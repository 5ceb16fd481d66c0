"""Wake the relays of this process when a transaction with new outbox rows has committed, instead of at their next look.

A hint only: a relay in another process finds the rows by itself.
"""

import asyncio
from weakref import WeakSet

_waiting: WeakSet[asyncio.Event] = WeakSet()


def register() -> asyncio.Event:
    """An event that is set after every commit with new rows; held weakly, gone when its owner is."""
    wakeup = asyncio.Event()
    _waiting.add(wakeup)
    return wakeup


def wanted() -> bool:
    """Whether anyone in this process waits."""
    return bool(_waiting)


def wake() -> None:
    """Set every waiting event."""
    for wakeup in _waiting:
        wakeup.set()
