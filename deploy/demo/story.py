"""The demo from beginning to end on a running system: what a user sees, scene by scene."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.demo.acts import Act, acts_of
from deploy.demo.arrivals import Arrival
from deploy.demo.client import Caller
from deploy.demo.country import Country
from deploy.demo.habits import Way
from deploy.demo.hands import Hands
from deploy.demo.landing import Landed, land, registered
from deploy.demo.loading import declare_capacity, empty_the_queues, in_turns, load_directory
from deploy.demo.looking import Pool, are_offers_waiting, is_settled, journeys, pools, settled_count
from deploy.demo.notebook import Notebook
from deploy.demo.pace import Pace
from deploy.demo.pacing import Pacer
from deploy.demo.partners import Partner, Tally, Urls
from deploy.demo.receiver import OFFER_MADE, Receiver, receiving
from deploy.demo.sending import send_bus
from deploy.demo.staging import Staging
from deploy.demo.stay_act import Stayed, stay_act
from deploy.demo.staying import Staying
from deploy.demo.world import Callers, World
from deploy.local.partners import STEWARD
from libs.events.codes import TransportMode

SETTLE_WITHIN_SECONDS: Final = 900.0
SLOWEST: Final = 0.2
LATENESS: Final = timedelta(seconds=4)
"""A quarter of an offer's deadline. If the machine is later than this, the clock runs more slowly (`pacing`)."""
TELL_EVERY_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Options:
    """The size and the seed of a run."""

    flight: int = 135
    bus: int = 40
    seed: int = 20
    acts_must_happen: bool = True
    """False if a test breaks something on purpose; then only the scenes that happened are checked."""


@dataclass
class Run:
    """The results of one run."""

    flight: Landed
    bus: Landed
    needs_count: int
    journeys: list[dict[str, Any]]
    households: list[set[str]]
    """The returnees of each household of the flight."""
    before: dict[str, Pool]
    after: dict[str, Pool]
    """The ledger of places before the demo lets days pass; `journeys` are of the same time."""
    tally: Tally
    webhooks_verified: int
    webhooks_refused: int
    acts: list[Act]
    acts_must_happen: bool
    began_ns: int
    told_ns: int
    """The time just before the demo lets days pass."""
    calls_again: int
    pace: float
    """The mean rate of the clock until then; below 1 if the clock was slowed down for the machine."""


Watch = Callable[[str, int], None]
"""Called with a description of what was done and a count; with it, a test can act in the middle of a run."""


def nobody_watches(what: str, count: int) -> None:
    """Do nothing."""


class Story:
    """One run of the demo."""

    def __init__(
        self, world: World, country: Country, options: Options, console: Console, *, pace: Pace,
        watch: Watch = nobody_watches,
    ) -> None:  # fmt: skip
        self._pace, self._hands = pace, Hands()
        self._pacer = Pacer(world, pace.schedule, self._hands, fastest=1.0, slowest=SLOWEST, bound=LATENESS)
        self.world, self.country, self.options, self.console = world, country, options, console
        self.directory = country.directory
        self.tally = Tally()
        self._watch = watch
        self._notebook = Notebook.load(world.state)
        self._random = Random(options.seed)  # noqa: S311 - a demo's dice, no secret
        self._run = datetime.now(UTC).strftime("demo-%Y%m%dT%H%M%S")
        self._partners: dict[str, Partner] = {}

    async def tell(self, callers: Callers) -> Run:
        """Run the demo until all needs are settled and the days have passed; returns the results for the report."""
        began_ns, seed = time.time_ns(), self.options.seed
        flight = self._vehicle(TransportMode.FLIGHT, self.options.flight, seed=seed)
        bus = self._vehicle(TransportMode.BUS, self.options.bus, seed=seed + 1)
        steward, reception = callers.of(STEWARD), callers.of(self.country.reception(TransportMode.FLIGHT))
        self._stage = Staging(
            self.directory, referral=self.world.url("REFERRAL"), registration=self.world.url("REGISTRATION"),
            steward=steward, now=self.world.now, withdrawals=self.country.sample.scenes.withdrawals,
        )  # fmt: skip
        with self._progress() as progress:
            await self._set_up(callers, steward, progress)
            before = await pools(steward, url=self.world.url("REFERRAL"))
            async with self._answering(callers) as receiver:
                async with self._pacer.pacing(), self._staging(reception):
                    landed, ridden = await self._arrive(flight, bus, callers, reception, progress)
                    needs_count = flight.needs_count + bus.needs_count
                    everybody = self._notebook.people = [*landed.returnee_ids, *ridden.returnee_ids]
                    found = await self._settle(everybody, steward, needs_count, progress)
                    await self._stage.decide_ages(callers.of(self.country.child_desk))
                    await self._stage.make_a_document(found, self._partners)
                    await self._stage.serve_the_queue(found, self._partners)
                    found = first_of(landed, await self._settle(everybody, steward, needs_count, progress))
                told_ns = time.time_ns()
                after = await pools(steward, url=self.world.url("REFERRAL"))
                stayed = await self._let_days_pass(found, steward)
                self._notebook.save(self.world.state)
                verified, refused = receiver.verified_count, receiver.refused_count
        names = {str(service.id): service.name for service in self.directory.services}
        return Run(
            acts_must_happen=self.options.acts_must_happen,
            acts=[*acts_of(found, self._stage.staged, names), stay_act(stayed, names)],
            flight=landed, bus=ridden, needs_count=needs_count, journeys=found, before=before, after=after,
            households=list(self._stage.households.values()),
            tally=self.tally,
            webhooks_verified=verified, webhooks_refused=refused, began_ns=began_ns, told_ns=told_ns,
            calls_again=callers.attempts_again, pace=self._pacer.mean_rate,
        )  # fmt: skip

    def _vehicle(self, mode: TransportMode, count: int, *, seed: int) -> Arrival:
        """A flight or a bus that lands now."""
        reference, now = f"{self._run}/{mode.value}", self.world.now()
        return Arrival.make(reference=reference, mode=mode, country=self.country, count=count, seed=seed, at=now)

    def _progress(self) -> Progress:
        columns = TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        return Progress(*columns, console=self.console, disable=not self.console.is_terminal)

    def _bar(self, progress: Progress, description: str, total: int) -> Callable[[int], None]:
        task, done = progress.add_task(description, total=total), 0

        def said(count: int) -> None:
            nonlocal done
            done += count
            progress.advance(task, count)
            self._watch(description, count)
            if done >= total:
                self._say(f"{description}: {total}")

        return said

    def _say(self, text: str) -> None:
        """Print a line if the output is no terminal and progress bars cannot be drawn, for example in a log."""
        if not self.console.is_terminal:
            self.console.print(f"{datetime.now(UTC):%H:%M:%S} {text}")

    async def _set_up(self, callers: Callers, steward: Caller, progress: Progress) -> None:
        """Load the directory, complete referrals of an earlier run, and let all organisations declare capacity."""
        url, count = self.world.url("DIRECTORY"), len(self.directory.services)
        await load_directory(
            self.directory, url=url, steward=steward, said=self._bar(progress, "directory: services", count)
        )
        urls = Urls(self.world.url("REFERRAL"), self.world.url("REGISTRATION"), url)
        for organization in self.directory.organizations:
            self._partners[organization.slug] = Partner(
                organization, caller=callers.of(organization.slug), urls=urls, tally=self.tally,
                random=Random(self._random.random()), hands=self._hands, notebook=self._notebook,  # noqa: S311
                habits=self.country.sample.partners, clock=self.world.clock,
                keeps=self._stage.keeps, looked=self._stage.looked,
            )  # fmt: skip
        await empty_the_queues(self._notebook.people, desk=callers.of(self.country.steward_desk), url=urls.referral)
        ledger = await pools(steward, url=urls.referral)
        await in_turns(partner.make_room(ledger) for partner in self._partners.values())
        await declare_capacity(
            self.directory, url=url, caller_of=callers.of, said=self._bar(progress, "capacity declared", count)
        )

    @asynccontextmanager
    async def _answering(self, callers: Callers) -> AsyncIterator[Receiver]:
        """Partners receive and answer offers, by webhook or by polling, while the block runs."""
        async with receiving(lambda slug, data: self._partners[slug].hear(data["offer_id"], data)) as receiver:
            webhooks = [slug for slug, partner in self._partners.items() if partner.way is Way.WEBHOOK]
            await in_turns(self._register_webhook(slug, callers.of(slug), receiver) for slug in webhooks)
            looking = [
                asyncio.create_task(partner.look()) for partner in self._partners.values() if partner.way is Way.POLLING
            ]
            try:
                yield receiver
            finally:
                for task in looking:
                    task.cancel()
                for partner in self._partners.values():
                    await partner.stop()
                await asyncio.gather(*looking, return_exceptions=True)

    @asynccontextmanager
    async def _staging(self, reception: Caller) -> AsyncIterator[None]:
        """While the block runs, people withdraw consent and the ledger is read for closed pools."""
        tasks = [asyncio.create_task(work) for work in (self._stage.withdraw(reception), self._stage.look_for_closed())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _register_webhook(self, slug: str, caller: Caller, receiver: Receiver) -> None:
        """Create the organisation's endpoint, and delete those of earlier runs, whose receivers have stopped."""
        url = f"{self.world.url('NOTIFICATIONS')}/v1/endpoints"
        for old in (await caller.get(url))["items"]:
            await caller.call("DELETE", f"{url}/{old['id']}", expect=frozenset({404}))
        made = await caller.post(url, {"url": receiver.url(slug), "event_types": [OFFER_MADE]})
        receiver.expect(slug, made["secret"])

    async def _arrive(
        self, flight: Arrival, bus: Arrival, callers: Callers, reception: Caller, progress: Progress
    ) -> tuple[Landed, Landed]:
        """Register the flight by REST and send the bus as events, at the same time."""
        people = self._bar(progress, "flight: people registered", len(flight.people))
        url = self.world.url("REGISTRATION")
        riding = asyncio.create_task(
            send_bus(bus, bootstrap_servers=self.world.addresses["KAFKA_BOOTSTRAP_SERVERS"], seed=self.options.seed)
        )
        landed = await land(flight, url=url, reception=reception, said=people, met=self._stage.met)
        await riding
        by_event = self._bar(progress, "bus: people registered", len(bus.people))
        border = callers.of(self.country.reception(TransportMode.BUS))
        ridden = await registered(bus.reference, url=url, reception=border, count=len(bus.people))
        by_event(len(bus.people))
        return landed, ridden

    async def _settle(
        self, returnee_ids: list[str], steward: Caller, needs_count: int, progress: Progress
    ) -> list[dict[str, Any]]:
        """Wait until every need is settled and the partners have finished.

        Journeys take many calls, so they are read only when no offer waits. Each act of a partner restarts the limit.
        """
        bar = progress.add_task("needs settled", total=needs_count)
        url, tell_at, done = self.world.url("REFERRAL"), time.monotonic() + TELL_EVERY_SECONDS, 0
        async with asyncio.timeout(SETTLE_WITHIN_SECONDS) as waiting:
            while True:
                if done != (done := self.tally.done.total()):
                    waiting.reschedule(asyncio.get_running_loop().time() + SETTLE_WITHIN_SECONDS)
                progress.update(bar, completed=min(self.tally.done["accepted"], needs_count))
                if time.monotonic() > tell_at:
                    self._say(f"offers accepted so far: {self.tally.done['accepted']}")
                    tell_at += TELL_EVERY_SECONDS
                if not await are_offers_waiting(steward, url=url):
                    await self._rest()
                    found = await journeys(steward, returnee_ids, url=url)
                    progress.update(bar, completed=settled_count(found))
                    if is_settled(found, needs_count=needs_count):
                        self._say(f"needs settled: {needs_count}")
                        return found
                await asyncio.sleep(1.0)

    async def _let_days_pass(self, found: list[dict[str, Any]], steward: Caller) -> Stayed | None:
        """Follow one stay of 72 hours on a fast clock; returns when all deadlines that passed have been handled.

        Partners still receive offers, but they need real time: an offer that is made while the clock is fast expires.
        """
        staying = Staying(
            self.directory, referral=self.world.url("REFERRAL"), steward=steward, partners=self._partners,
            pace=self._pace, say=self._say,
        )  # fmt: skip
        stayed = await staying.follow(found)
        await self._rest()
        await self._pace.acted_on()
        return stayed

    async def _rest(self) -> None:
        for partner in self._partners.values():
            await partner.rest()


def first_of(landed: Landed, journeys: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The journeys, those of this batch first."""
    theirs = set(landed.returnee_ids)
    return sorted(journeys, key=lambda journey: journey["returnee_id"] not in theirs)
