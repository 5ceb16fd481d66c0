"""What can be done to the system, and when: a deck of all faults, dealt again and again, by a seeded die.

Two runs of one seed plan the same faults at the same moments; what the system is doing then is not the same.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, repeat
from random import Random

from tests.chaos.history import Happened, History
from tests.chaos.proxy import Proxy
from tests.chaos.stage import SERVICE_NAMES, Stage

MEAN_PAUSE_SECONDS = 3.0
SHORTEST_PAUSE_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 0.4
NETWORKS = ("kafka", "postgres", "webhooks")


class Kind(StrEnum):
    """What is done."""

    KILL = "kill"
    """SIGKILL; the supervisor starts it again."""
    PAUSE = "pause"
    """SIGSTOP, and SIGCONT later."""
    CRASH = "crash"
    """PostgreSQL's immediate shutdown (SIGQUIT): no checkpoint, recovery at the next start."""
    RESET = "reset"
    """Every connection is reset once."""
    CUT = "cut"
    DELAY = "delay"
    STALL = "stall"
    HALF_OPEN = "half-open"


LONGEST_SECONDS = {
    Kind.PAUSE: 12.0,
    Kind.CUT: 5.0,
    Kind.DELAY: 6.0,
    Kind.STALL: 8.0,
    Kind.HALF_OPEN: 12.0,
}
"""How long a fault may last, in seconds; the others are over at once. A pause may outlast the group's session."""
SHORTEST_SECONDS = 0.2
DECK: tuple[tuple[Kind, str], ...] = (
    *((Kind.KILL, name) for name in (*SERVICE_NAMES, "kafka")),
    *((Kind.PAUSE, name) for name in SERVICE_NAMES),
    (Kind.CRASH, "postgres"),
    *((kind, name) for name in NETWORKS for kind in (Kind.RESET, Kind.CUT, Kind.DELAY, Kind.STALL, Kind.HALF_OPEN)),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a plan."""

    kind: Kind
    target: str
    at_s: float
    """Since the plan began."""
    lasts_s: float
    delay_s: float = 0.0


def plan(seed: int, seconds: float, *, mean_pause_s: float = MEAN_PAUSE_SECONDS) -> list[Fault]:
    """The faults of a run: the whole deck in a random order, then again, until `seconds` are over (pure)."""
    random = Random(seed)
    faults: list[Fault] = []
    at = 0.0
    for kind, target in chain.from_iterable(_dealt(random) for _ in repeat(None)):
        at += SHORTEST_PAUSE_SECONDS + random.expovariate(1 / (mean_pause_s - SHORTEST_PAUSE_SECONDS))
        lasts = random.uniform(SHORTEST_SECONDS, LONGEST_SECONDS[kind]) if kind in LONGEST_SECONDS else 0.0
        delay = random.uniform(0.02, LONGEST_DELAY_SECONDS)
        if at >= seconds:
            return faults
        faults.append(Fault(kind, target, at, lasts, delay if kind is Kind.DELAY else 0.0))
    return faults


def _dealt(random: Random) -> Iterator[tuple[Kind, str]]:
    deck = list(DECK)
    random.shuffle(deck)
    return iter(deck)


class Breaker:
    """Does faults to a stage. Two faults of one target wait for each other; faults of different targets overlap."""

    def __init__(self, stage: Stage, history: History) -> None:
        self._stage, self._history = stage, history
        self._targets: dict[str, asyncio.Lock] = {}
        self._networks = {"kafka": stage.kafka, "postgres": stage.postgres, "webhooks": stage.webhooks}

    async def run(self, faults: list[Fault]) -> None:
        """Do them all at their moments; returns when the last one is over. Leaves nothing broken, also if cancelled."""
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.TaskGroup() as group:
                for fault in faults:
                    await asyncio.sleep(max(0.0, began + fault.at_s - asyncio.get_running_loop().time()))
                    group.create_task(self.do(fault))
        finally:
            self._stage.heal()

    async def do(self, fault: Fault) -> None:
        """One fault, from its beginning to its end."""
        lock_name = f"network {fault.target}" if fault.kind in _ON_NETWORKS else fault.target
        async with self._targets.setdefault(lock_name, asyncio.Lock()):
            at = self._history.now()
            if fault.kind in _ON_NETWORKS:
                await self._break_network(self._networks[fault.target], fault)
            elif not await self._signal(fault):
                return  # it was not there: being started again
            self._history.faults.append(Happened(fault.kind, fault.target, at, self._history.now() - at))

    async def _break_network(self, proxy: Proxy, fault: Fault) -> None:
        if fault.kind is Kind.RESET:
            proxy.reset_all()
            return
        if fault.kind is Kind.DELAY:
            proxy.delay(fault.delay_s)
        else:
            {Kind.CUT: proxy.cut, Kind.STALL: proxy.stall, Kind.HALF_OPEN: proxy.half_open}[fault.kind]()
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            proxy.heal()

    async def _signal(self, fault: Fault) -> bool:
        """False if the process was not there."""
        pid = self._stage.system.parts[fault.target].running_pid
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            if fault.kind is not Kind.PAUSE:
                os.kill(pid, signal.SIGQUIT if fault.kind is Kind.CRASH else signal.SIGKILL)
                return True
            os.kill(pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(fault.lasts_s)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            return True
        return False


_ON_NETWORKS = frozenset({Kind.RESET, Kind.CUT, Kind.DELAY, Kind.STALL, Kind.HALF_OPEN})
