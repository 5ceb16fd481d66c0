"""A system that runs, and the clients of its pack: what the demo and the simulation both stand on."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deploy.demo.client import Caller, Connections
from deploy.local.supervisor import System
from libs.chassis.clock import Clock, Timekeeper
from libs.chassis.paced_clock import PacedClock


@dataclass(frozen=True)
class World:
    """A system that runs: where it answers, who may call it, where its spans lie, and its state directory."""

    addresses: Mapping[str, str]
    databases: Mapping[str, str]
    secret_of: Callable[[str], str]
    spans: Path
    state: Path
    clock: Timekeeper

    def now(self) -> datetime:
        """The time on the installation's clock: for all that is compared with times that the services tell."""
        return self.clock.at(datetime.now(UTC))

    def url(self, word: str) -> str:
        """The address of a service, such as REFERRAL."""
        return self.addresses[f"ENLACE_{word}_URL"]

    @classmethod
    def of(cls, system: System) -> "World":
        """The world of a system that this process runs."""
        installation = system.installation
        return cls(
            addresses=system.environment,
            databases=system.databases,
            secret_of=lambda client_id: installation.clients.get(client_id).secret,
            spans=installation.state / "spans",
            state=installation.state,
            clock=_clock_of(installation.extra),
        )


def _clock_of(settings: Mapping[str, str]) -> Timekeeper:
    """The clock that these settings give to the services."""
    schedule = settings.get("ENLACE_CLOCK_SCHEDULE")
    if schedule is None:
        return Clock()
    return PacedClock(Path(schedule), fastest=float(settings["ENLACE_CLOCK_RATE"]))


class Callers:
    """The clients of the pack, each with its own token."""

    def __init__(self, world: World, connections: Connections) -> None:
        self._world, self._connections = world, connections
        self._made: dict[str, Caller] = {}

    def of(self, client_id: str) -> Caller:
        """The client of this id."""
        if client_id not in self._made:
            self._made[client_id] = Caller(
                self._connections,
                client_id,
                self._world.secret_of(client_id),
                self._world.addresses["ENLACE_TOKEN_URL"],
            )
        return self._made[client_id]

    @property
    def attempts_again(self) -> int:
        """How often calls had to be tried again, over all."""
        return sum(caller.attempts_again for caller in self._made.values())


@asynccontextmanager
async def callers_of(world: World) -> AsyncIterator[Callers]:
    """The clients of the pack, with connections for as long as the block runs."""
    async with Connections() as connections:
        yield Callers(world, connections)
