"""A running system and the clients of its pack, for the demo and the simulation."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from deploy.demo.client import Caller, Connections
from deploy.local.console_client import CONSOLE_SECRET
from deploy.local.supervisor import System
from libs.chassis.clock import Clock, Timekeeper
from libs.chassis.paced_clock import PacedClock


@dataclass(frozen=True)
class World:
    """A running system: its addresses, databases, client secrets, span files, state directory and clock."""

    addresses: Mapping[str, str]
    databases: Mapping[str, str]
    secret_of: Callable[[str], str]
    spans: Path
    state: Path
    clock: Timekeeper
    console_secret: str = field(default="", repr=False)
    """The secret with which the console gets tokens for people."""

    def now(self) -> datetime:
        """The time on the installation's clock. Use it for comparisons with times that come from the services."""
        return self.clock.at(datetime.now(UTC))

    def url(self, word: str) -> str:
        """The address of a service, such as REFERRAL."""
        return self.addresses[f"ENLACE_{word}_URL"]

    @classmethod
    def of(cls, system: System) -> "World":
        """The world of a system that this process has started."""
        installation = system.installation
        return cls(
            addresses=system.environment,
            databases=system.databases,
            secret_of=lambda client_id: installation.clients.get(client_id).secret,
            spans=installation.state / "spans",
            state=installation.state,
            clock=_clock_of(installation.extra),
            console_secret=installation.keyring.get(CONSOLE_SECRET),
        )


def _clock_of(settings: Mapping[str, str]) -> Timekeeper:
    """The clock that the services use with these settings."""
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
        """The client with this id."""
        if client_id not in self._made:
            self._made[client_id] = Caller(
                self._connections,
                client_id,
                self._world.secret_of(client_id),
                self._world.addresses["ENLACE_TOKEN_URL"],
            )
        return self._made[client_id]

    @property
    def connections(self) -> Connections:
        """The connections of all of them."""
        return self._connections

    @property
    def attempts_again(self) -> int:
        """How often calls were repeated, over all clients."""
        return sum(caller.attempts_again for caller in self._made.values())


@asynccontextmanager
async def callers_of(world: World) -> AsyncIterator[Callers]:
    """The clients of the pack; their connections are open while the block runs."""
    async with Connections() as connections:
        yield Callers(world, connections)
