"""The whole system with the console, and one flight of registered people: what the tests in a real browser look at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from deploy.demo.arrivals import Arrival
from deploy.demo.country import Country
from deploy.demo.landing import land
from deploy.demo.needs import Told
from deploy.demo.world import Callers, World, callers_of
from deploy.local.installation import DEFAULT_PACK, Installation
from deploy.local.pack_loading import load_pack_once
from deploy.local.partners import STEWARD
from deploy.local.people import PeopleBook
from deploy.local.person import Person
from deploy.local.supervisor import System, running_system
from deploy.screenshots.scene import open_at_every_hour
from libs.events.codes import TransportMode

PEOPLE = 14
SEED = 20
OFFERS_AT_LEAST = 8
WITHIN_SECONDS = 300.0
PEOPLE_TOKEN_SECONDS = 40
"""So short that the console renews the tokens of a person after ten seconds: a test can wait for it."""


@dataclass
class WholeSystem:
    """The running system and its flight."""

    system: System
    world: World
    country: Country
    callers: Callers
    """The pack's programs with their own tokens, for what a test prepares or looks up through the real APIs."""
    batch_id: str = ""
    returnees: list[Mapping[str, Any]] = field(default_factory=list)
    """Registration's answers: `id`, `case_code` and the rest, in the order of registration."""

    @property
    def console_url(self) -> str:
        """The address of the console."""
        return self.world.addresses["ENLACE_CONSOLE_URL"]

    @property
    def people(self) -> list[Person]:
        """The sample people of the pack."""
        return PeopleBook(self.system.installation.pack).everybody()

    def of_role(self, role: str) -> Person:
        """The first sample person with this role."""
        return next(person for person in self.people if role in person.roles)

    def url(self, word: str) -> str:
        """The address of a service, such as REFERRAL."""
        return self.world.url(word)


@asynccontextmanager
async def whole_system(folder: Path) -> AsyncIterator[WholeSystem]:
    """The system in `folder`, with the pack of Guatemala whose services are open at every hour."""
    pack = await asyncio.to_thread(open_at_every_hour, DEFAULT_PACK, folder / "pack")
    installation = Installation(
        state=folder / "enlace", pack=pack, console=True, people_token_seconds=PEOPLE_TOKEN_SECONDS
    )
    async with running_system(installation, say=lambda _: None) as system:
        await load_pack_once(installation, lambda _: None)
        world = World.of(system)
        async with callers_of(world) as callers:
            whole = WholeSystem(system, world, Country.of(pack), callers)
            await _land_a_flight(whole)
            yield whole


async def _land_a_flight(whole: WholeSystem) -> None:
    """Register the people of one flight with their needs and consents, and wait for the first offers."""
    country = whole.country
    landed_at = whole.world.now() - timedelta(minutes=20)
    flight = Arrival.make(
        reference="browser-tests/flight", mode=TransportMode.FLIGHT, country=country, count=PEOPLE, seed=SEED,
        at=landed_at,
    )  # fmt: skip

    def met(_: Told, view: dict[str, Any]) -> None:
        whole.returnees.append(view)

    reception = whole.callers.of(country.reception(TransportMode.FLIGHT))
    landed = await land(flight, url=whole.url("REGISTRATION"), reception=reception, said=lambda _: None, met=met)
    whole.batch_id = landed.batch_id
    steward = whole.callers.of(STEWARD)

    async def offered() -> bool:
        offers = await steward.get(f"{whole.url('REFERRAL')}/v1/offers", status="pending", limit=OFFERS_AT_LEAST)
        return len(offers["items"]) >= OFFERS_AT_LEAST

    await eventually(offered)


async def eventually(condition: Callable[[], Awaitable[Any]], *, within_seconds: float = WITHIN_SECONDS) -> Any:
    """Ask again until the answer is true, and return it. Raises TimeoutError."""
    async with asyncio.timeout(within_seconds):
        while not (answer := await condition()):  # noqa: ASYNC110 - other processes work
            await asyncio.sleep(0.2)
        return answer
