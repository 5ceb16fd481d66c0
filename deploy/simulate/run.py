"""One simulation on a running system: days of arrivals, programs that act, then time without arrivals, the results."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any, Final

from deploy.demo.arrivals import Arrival
from deploy.demo.client import CallError
from deploy.demo.country import Country
from deploy.demo.hands import Hands
from deploy.demo.landing import land
from deploy.demo.loading import load_directory
from deploy.demo.looking import pools
from deploy.demo.needs import Told
from deploy.demo.pacing import Pacer
from deploy.demo.promise import Kept, check_drained, check_invariants, check_places
from deploy.demo.receiver import receiving
from deploy.demo.world import Callers, World
from deploy.local.partners import STEWARD
from deploy.simulate.closure import Category, closure, expiries_late, total
from deploy.simulate.desks import Desk, silent_desks
from deploy.simulate.people import People
from deploy.simulate.plan import Vehicle, vehicles_of
from deploy.simulate.providers import Providers
from deploy.simulate.returnees import Returnees
from deploy.simulate.tally import Tally
from deploy.simulate.timing import Timepiece
from deploy.simulate.watching import Watch
from libs.chassis.paced_clock import Schedule

SLOWEST: Final = 2.0
"""The lowest rate of the clock."""
SETTLES_WITHIN_SECONDS: Final = 60.0
"""The real seconds within which a deadline that passes at the very end is handled."""


@dataclass(frozen=True)
class Options:
    """The options of a simulation: its length, seed, speed and size."""

    days: float
    seed: int
    rate: float
    """The highest rate of the clock."""
    lateness: timedelta
    """How late the machine may be, measured on the simulated clock. The clock is slowed down to keep this limit."""
    share: float
    drain: timedelta


@dataclass
class Run:
    """The results of a simulation."""

    categories: dict[str, Category]
    tally: Tally
    watch: Watch
    kept: list[Kept]
    late: list[timedelta]
    """How long after its deadline each expired offer was ended, in ascending order."""
    people_count: int
    vehicles: int
    silent_desks: frozenset[str]
    rate: float
    """The mean rate of the clock."""

    @property
    def holds(self) -> bool:
        """True if no need is unowned and every promise was kept."""
        return all(holds for _, holds, _ in self.kept)


class Simulation:
    """Days of arrivals, with the providers, desks and returnees who act."""

    def __init__(
        self, world: World, country: Country, callers: Callers, *, options: Options, timepiece: Timepiece,
        schedule: Schedule, say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._world, self._country, self._callers, self._options = world, country, callers, options
        self._timepiece, self._say = timepiece, say
        self._people, self._tally, self._hands = People(), Tally(), Hands()
        self._steward = callers.of(STEWARD)
        self._providers = Providers(
            world,
            country.directory,
            country.sample.work_of,
            callers,
            self._people,
            timepiece,
            self._tally,
            self._hands,
            options.seed,
            options.share,
        )
        acting = {country.steward_desk, country.child_desk}
        self._silent = silent_desks(country.lead_desks, seed=options.seed, always_acting=acting)
        self._desks = [self._desk(name) for name in sorted(country.lead_desks | acting) if name not in self._silent]
        self._pacer = Pacer(world, schedule, self._hands, fastest=options.rate, slowest=SLOWEST, bound=options.lateness)
        self._watch = Watch(self._steward, world.url("REFERRAL"), timepiece, self._tally, say)
        self._rate = 0.0
        self._needs_told = self._people_count = self._vehicles = 0
        self._lives: set[asyncio.Task[None]] = set()

    async def play(self) -> Run:
        """Run the whole simulation: load the directory, let people arrive and programs act, and collect the figures."""
        await load_directory(
            self._country.directory, url=self._world.url("DIRECTORY"), steward=self._steward, said=lambda count: None
        )
        async with receiving(lambda slug, data: self._providers.hear(data["offer_id"], data)) as receiver:
            await self._providers.start(receiver)
            self._say("directory loaded, capacity declared, webhooks registered")
            began, real = self._timepiece.now(), monotonic()
            async with self._everybody_acting():
                await self._arrive()
                self._say("the last arrival has been registered; the clock continues")
                end = self._timepiece.midnight + timedelta(days=self._options.days) + self._options.drain
                await self._timepiece.until(end)
            self._rate = (self._timepiece.now() - began).total_seconds() / (monotonic() - real)
        return await self._find()

    def _desk(self, name: str) -> Desk:
        return Desk(
            name, self._callers.of(name), self._world.url("REFERRAL"), self._people, self._timepiece, self._tally,
            self._hands, self._options.seed, self._options.share,
        )  # fmt: skip

    @asynccontextmanager
    async def _everybody_acting(self) -> AsyncIterator[None]:
        works = [
            self._pacer.run(),
            self._watch.run(),
            self._providers.declare_daily(),
            *(desk.work() for desk in self._desks),
        ]
        tasks = [asyncio.create_task(work) for work in works]
        try:
            yield
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            await self._providers.stop()
            for task in [*tasks, *self._lives]:
                task.cancel()
            await asyncio.gather(*tasks, *self._lives, return_exceptions=True)

    async def _arrive(self) -> None:
        """Land every flight and bus of the plan at its time; returns when the last intake is complete."""
        end, traffic = timedelta(days=self._options.days), self._country.sample.traffic
        planned = [
            vehicle
            for day in range(-(-int(end.total_seconds()) // 86400))
            for vehicle in vehicles_of(day, traffic=traffic, seed=self._options.seed, share=self._options.share)
            if vehicle.after < end
        ]
        async with asyncio.TaskGroup() as landing:
            for vehicle in planned:
                await self._timepiece.until(self._timepiece.midnight + vehicle.after)
                landing.create_task(self._land(vehicle))
        self._vehicles = len(planned)

    async def _land(self, vehicle: Vehicle) -> None:
        arrival = Arrival.make(
            reference=vehicle.reference, mode=vehicle.mode, country=self._country, count=vehicle.people_count,
            seed=vehicle.seed, at=self._timepiece.now(),
        )  # fmt: skip
        self._needs_told += arrival.needs_count
        self._people_count += len(arrival.people)
        reception, url = self._callers.of(self._country.reception(vehicle.mode)), self._world.url("REGISTRATION")
        returnees = Returnees(
            url=url, reception=reception, timepiece=self._timepiece, tally=self._tally, hands=self._hands,
            seed=self._options.seed,
        )  # fmt: skip

        def met(told: Told, view: dict[str, Any]) -> None:
            person = self._people.met(vehicle.reference, told, view)
            life = asyncio.create_task(returnees.live(view["id"], person))
            self._lives.add(life)
            life.add_done_callback(self._lives.discard)

        with self._hands.intake():
            await self._pacer.slowed_down()
            await land(arrival, url=url, reception=reception, said=lambda count: None, met=met)

    async def _find(self) -> Run:
        url, database = self._world.url("REFERRAL"), self._world.databases["ENLACE_REFERRAL_DATABASE_URL"]
        found = await self._settled()
        categories = await closure(database)
        whole = total(categories)
        unattended = self._watch.worst["every_open_need_is_attended"]
        kept: list[Kept] = [
            ("every need reported at intake is known", whole.needs == self._needs_told,
             f"{whole.needs} of {self._needs_told}"),
            ("no need is unowned", whole.unowned == 0, f"{whole.unowned} of {whole.open} open ones are"),
            (f"no open need was unattended in any of {self._watch.looks} checks", unattended == 0,
             f"at most {unattended}"),
            *check_invariants(found),
            check_places(list((await pools(self._steward, url=url)).values())),
            *await check_drained(self._world.databases),
            ("every call got the expected answer", self._tally.failed == 0,
             "; ".join([f"{self._tally.failed} failed", *self._tally.failures[:3]])),
        ]  # fmt: skip
        return Run(
            categories, self._tally, self._watch, kept, await expiries_late(database), self._people_count,
            self._vehicles, self._silent, self._rate,
        )  # fmt: skip

    async def _settled(self) -> dict[str, Any]:
        """The promises at the end. If one is broken, wait up to SETTLES_WITHIN_SECONDS: a deadline may be due now."""
        until = asyncio.get_running_loop().time() + SETTLES_WITHIN_SECONDS
        while True:
            try:
                found = await self._watch.look()
            except CallError as error:
                self._tally.fail(error)
                raise
            if found["holds"] or asyncio.get_running_loop().time() > until:
                return found
            await asyncio.sleep(0.5)
