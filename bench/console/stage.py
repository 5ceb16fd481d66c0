"""The system that the console shows: the scene of the screenshots, and the rows of months of work at referral.

The scene has the pack's directory, a flight with its needs and offers, and a second flight at reception. After it the
system is restarted with referral in the role `api`, so that neither its router nor its clocks work on the added rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.filling import Names, fill
from deploy.demo.looking import pages
from deploy.demo.world import Callers, World, callers_of
from deploy.local.installation import DEFAULT_PACK, Installation
from deploy.local.people import PeopleBook
from deploy.local.supervisor import System, running_system
from deploy.packs.directory import load_directory
from deploy.screenshots.scene import Scene, scene
from libs.chassis.http_settings import UNLIMITED

OPEN_OFFERS: Final = 500
PROVIDER: Final = "casa-del-migrante"
"""The organisation whose offers are looked at; in the scene it answers none."""
STAYS: Final = 4


@dataclass(frozen=True)
class Stage:
    """The running system, and clients that look up what the pages are about."""

    system: System
    scene: Scene
    callers: Callers

    def url(self, word: str) -> str:
        """The address of a service, such as REFERRAL."""
        return self.system.environment[f"ENLACE_{word}_URL"]


async def played(state: Path) -> Scene:
    """Play the scene in this state directory, and stop the system again."""
    async with scene(state, DEFAULT_PACK, say=lambda _: None) as told:
        return told


@asynccontextmanager
async def stage(state: Path, told: Scene) -> AsyncIterator[Stage]:
    """The same system again: nothing but its APIs works in referral, and no rate is limited."""
    settings = {**UNLIMITED, "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"}
    installation = Installation(
        state=state, pack=told.pack, console=True, extra=settings, own={"referral": {"ENLACE_ROLE": "api"}}
    )
    async with running_system(installation, say=lambda _: None) as system, callers_of(World.of(system)) as callers:
        yield Stage(system, told, callers)


async def begin_stays(on: Stage) -> None:
    """The provider accepts some offers and starts their service, so that it has stays."""
    caller, url = on.callers.of(PROVIDER), on.url("REFERRAL")
    offers: list[Any] = await pages(caller, f"{url}/v1/offers", status="pending")
    for offer in offers[:STAYS]:
        await caller.post(f"{url}/v1/offers/{offer['id']}/accept")
        await caller.post(f"{url}/v1/referrals/{offer['referral_id']}/start")


async def fill_referral(on: Stage, rows: int) -> None:
    """Add this many referrals, so that with those of the scene OPEN_OFFERS offers or a few more are open."""
    pack = on.system.installation.pack
    directory = await asyncio.to_thread(load_directory, pack)
    desks = list(dict.fromkeys(desk for person in PeopleBook(pack).everybody() for desk in person.desks))
    services = [(one.id, service.id) for one in directory.organizations for service in one.services]
    names = Names(desks=desks, services=services, open_offers=min(OPEN_OFFERS, rows // 16))
    await fill(on.system.owners["ENLACE_REFERRAL_OWNER_DATABASE_URL"], rows, at=datetime.now(UTC), names=names)
