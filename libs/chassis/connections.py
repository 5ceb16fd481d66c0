"""The open connections of a process: limits in total and per peer, and which one is closed when there are too many."""

import resource
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from libs.chassis.peers import peer_of

OTHER_FILES = 200
"""Descriptors that a process needs in addition to its connections: databases, brokers, logs."""


class Waiting(Protocol):
    """A connection in the register."""

    def give_way(self) -> None:
        """Close it; it has no request or response in progress."""


class Connections:
    """The open connections of a process.

    Idle connections are kept in the order in which they became idle. If a new connection exceeds the limit, the one
    that has been idle longest is closed, so that slow peers cannot keep others out.
    """

    def __init__(self, *, most: int, most_per_peer: int, exempt: Callable[[str], bool]) -> None:
        self._most = most
        self._most_per_peer = most_per_peer
        self._exempt = exempt
        self._peers: dict[Waiting, str | None] = {}
        """Every open connection, and the peer for which it is counted."""
        self._counts: dict[str, int] = {}
        self._waiting: dict[Waiting, None] = {}

    def __len__(self) -> int:
        return len(self._peers)

    def opened(self, connection: Waiting, host: str) -> bool:
        """Count a new connection, which waits for its first request. False if the caller must close it."""
        fits = len(self._peers) < self._most
        if not fits and self._waiting:
            longest = next(iter(self._waiting))
            self.closed(longest)
            longest.give_way()
            fits = True
        self._peers[connection] = None
        self._waiting[connection] = None
        return self.belongs_to(connection, host) and fits

    def belongs_to(self, connection: Waiting, host: str) -> bool:
        """Count a connection for this peer, and no longer for the peer before. False if this peer has too many."""
        self._uncount(self._peers[connection])
        if self._exempt(host):
            self._peers[connection] = None
            return True
        peer = peer_of(host)
        self._peers[connection] = peer
        self._counts[peer] = self._counts.get(peer, 0) + 1
        return self._counts[peer] <= self._most_per_peer

    def asks(self, connection: Waiting) -> None:
        """Note that the headers of a request are complete: the connection is not idle any more."""
        self._waiting.pop(connection, None)

    def waits(self, connection: Waiting) -> None:
        """Note that the last request is answered: the connection is idle."""
        if connection in self._peers:
            self._waiting[connection] = None

    def closed(self, connection: Waiting) -> None:
        """Remove a connection; removing it twice has no effect."""
        self._waiting.pop(connection, None)
        self._uncount(self._peers.pop(connection, None))

    def _uncount(self, peer: str | None) -> None:
        if peer is None:
            return
        self._counts[peer] -= 1
        if not self._counts[peer]:
            del self._counts[peer]


def descriptors(wanted: int) -> int:
    """How many files this process may have open, after its limit was raised to `wanted` or as far as the system
    allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        goal = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (goal, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1_000_000 if soft == resource.RLIM_INFINITY else max(soft, OTHER_FILES + 1)
