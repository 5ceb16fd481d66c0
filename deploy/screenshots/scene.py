"""What the pictures show: a flight that was registered, a second one at reception, and providers' answers.

The people are those of the demo: invented, and the same in each run. The clocks are those of the pack, not the demo's
clocks of seconds, because an offer must still be open when its picture is taken.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from deploy.demo.arrivals import Arrival
from deploy.demo.client import Caller
from deploy.demo.completing import decline_body
from deploy.demo.country import Country
from deploy.demo.landing import intake_body, land
from deploy.demo.loading import in_turns
from deploy.demo.looking import pages
from deploy.demo.world import Callers, World, callers_of
from deploy.local.installation import Installation
from deploy.local.pack_loading import load_pack_once
from deploy.local.partners import STEWARD
from deploy.local.supervisor import forget_everything, running_system
from libs.events.catalogue.arrivals import ArrivalBatchAnnounced
from libs.events.codes import DeclineReason, TransportMode

Say = Callable[[str], None]
SEED: Final = 20
ORIGIN: Final = "an invented airport"
FLIGHT, SECOND, REGISTERED_OF_SECOND = 135, 40, 11
WAITS: Final = "casa-del-migrante"
"""The organisation that answers nothing, so that the picture of its offers shows some."""
ACCEPTS_OF_TEN, DECLINES_OF_TEN = 6, 1
OFFERED_WITHIN_SECONDS: Final = 600.0
ALREADY: Final = frozenset({404, 409})


@dataclass(frozen=True)
class Scene:
    """The running system with its ids for the addresses of pictures."""

    console_url: str
    pack: Path
    batch_id: str
    """The flight whose people are being registered."""
    returnee_id: str
    """A person with several needs, some of them accepted."""


def open_at_every_hour(pack: Path, folder: Path) -> Path:
    """A copy of a country pack in which services have no weekly hours, so that the time of day changes nothing."""
    shutil.copytree(pack, folder, dirs_exist_ok=True)
    (folder / "overlay.yaml").write_text("always_open: true\n", encoding="utf-8")
    return folder


@asynccontextmanager
async def scene(state: Path, pack: Path, *, say: Say) -> AsyncIterator[Scene]:
    """Start the system in `state`, with nothing from an earlier run, and let the arrivals and the answers happen."""
    own = await asyncio.to_thread(open_at_every_hour, pack, state / "pack")
    installation = Installation(state=state, pack=own, console=True)
    await asyncio.to_thread(forget_everything, installation)
    async with running_system(installation, say=say) as system:
        await load_pack_once(installation, say)
        world = World.of(system)
        async with callers_of(world) as callers:
            stage = _Stage(world, Country.of(own), callers)
            say("a flight lands")
            returnees = await stage.land_the_flight()
            say("providers answer")
            busiest = await stage.let_providers_answer()
            say("a second flight lands")
            batch_id = await stage.land_the_second_flight()
        yield Scene(system.environment["ENLACE_CONSOLE_URL"], own, batch_id, returnees[busiest])


class _Flight(Arrival):
    """A flight with a name of its own, so that the pictures can tell two flights apart."""

    def announced(self) -> ArrivalBatchAnnounced:
        """The manifest under this name."""
        return super().announced().model_copy(update={"carrier": self.reference.replace("-", " "), "origin": ORIGIN})


@dataclass(frozen=True)
class _Stage:
    world: World
    country: Country
    callers: Callers

    @property
    def _reception(self) -> Caller:
        return self.callers.of(self.country.reception(TransportMode.FLIGHT))

    def _flight(self, reference: str, count: int, *, seed: int, minutes_ago: int) -> Arrival:
        at = self.world.now() - timedelta(minutes=minutes_ago)
        return _Flight.make(
            reference=reference, mode=TransportMode.FLIGHT, country=self.country, count=count, seed=seed,
            at=at,
        )  # fmt: skip

    async def land_the_flight(self) -> dict[str, str]:
        """Register all people of a flight; returns their ids by case code, when providers have been asked."""
        flight = self._flight("Charter-1201", FLIGHT, seed=SEED, minutes_ago=50)
        ids: dict[str, str] = {}
        await land(
            flight,
            url=self.world.url("REGISTRATION"),
            reception=self._reception,
            said=lambda _: None,
            met=lambda _, view: ids.__setitem__(view["case_code"], view["id"]),
        )
        async with asyncio.timeout(OFFERED_WITHIN_SECONDS):
            while len(await self._offers(self.callers.of(STEWARD))) < FLIGHT // 2:  # noqa: ASYNC110 - others work
                await asyncio.sleep(1)
        return ids

    async def let_providers_answer(self) -> str:
        """Accept six of ten offers and decline one; returns the case code with the most accepted offers."""
        accepted: Counter[str] = Counter()

        async def answer(caller: Caller, offers: list[Mapping[str, Any]]) -> None:
            for nth, offer in enumerate(offers):
                url = f"{self.world.url('REFERRAL')}/v1/offers/{offer['id']}"
                if nth % 10 < ACCEPTS_OF_TEN:
                    told = await caller.call("POST", f"{url}/accept", expect=ALREADY)
                    accepted[offer["case_code"]] += told.is_success
                elif nth % 10 < ACCEPTS_OF_TEN + DECLINES_OF_TEN:
                    await caller.call(
                        "POST", f"{url}/decline", body=decline_body(DeclineReason.NOT_OUR_AREA), expect=ALREADY
                    )

        for organization in self.country.directory.organizations:
            if organization.slug != WAITS:
                caller = self.callers.of(organization.slug)
                await answer(caller, await self._offers(caller))
        return max(accepted, key=lambda code: (accepted[code], code))

    async def land_the_second_flight(self) -> str:
        """Announce and land it, and register some of its people; returns the id of the batch."""
        flight = self._flight("Charter-1202", SECOND, seed=SEED + 1, minutes_ago=12)
        url = self.world.url("REGISTRATION")
        announced = flight.announced().model_dump(mode="json")
        batch_id: str = (await self._reception.post(f"{url}/v1/arrival-batches", announced))["id"]
        landed = {"landed_at": flight.landed_at.isoformat(), "people_count": SECOND}
        await self._reception.post(f"{url}/v1/arrival-batches/{batch_id}/land", landed)
        bodies = [intake_body(flight, told, batch_id=batch_id) for told in flight.people[:REGISTERED_OF_SECOND]]
        await in_turns(_registered(self._reception, f"{url}/v1/returnees", body) for body in bodies)
        return batch_id

    async def _offers(self, caller: Caller) -> list[Mapping[str, Any]]:
        """The open offers that a caller sees, the oldest first."""
        found = await pages(caller, f"{self.world.url('REFERRAL')}/v1/offers", status="pending")
        return sorted(found, key=lambda offer: str(offer["id"]))


async def _registered(reception: Caller, url: str, body: Mapping[str, Any]) -> None:
    await reception.post(url, body)
