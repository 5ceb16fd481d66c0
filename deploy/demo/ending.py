"""The end of the demo: it shows tables, three people, one trace and addresses, and checks the result."""

from dataclasses import replace
from typing import Any, Final

from rich.console import Console

from deploy.demo.acts import Act
from deploy.demo.country import Country
from deploy.demo.erased import Erasing, erased_act
from deploy.demo.looking import pools
from deploy.demo.outcomes import (
    by_kind,
    by_stage,
    declined_as_full,
    households_by_services,
    offers_by_fit,
    offers_by_status,
    rerouted,
    three_to_show,
)
from deploy.demo.promise import Kept, check_clocks, check_drained, check_invariants, check_places, invariants
from deploy.demo.report import (
    act_panel,
    addresses_table,
    needs_table,
    partners_table,
    places_table,
    promises_table,
    stages_table,
    why_panel,
)
from deploy.demo.screened import SCREENER, screened
from deploy.demo.signing_in import signed_in
from deploy.demo.story import Run
from deploy.demo.traces import as_tree, choose_trace, read_spans
from deploy.demo.twice import registered_twice
from deploy.demo.without_line import without_a_line
from deploy.demo.world import Callers, World
from deploy.local.partners import INTAKE_DESK, OFFICER, STEWARD
from libs.chassis.trace_links import TRACE_URL_VARIABLE, trace_link
from libs.events.codes import TransportMode

BUSY_BELOW: Final = 0.95
WORDS = ("REGISTRATION", "DIRECTORY", "REFERRAL", "NOTIFICATIONS")


class Ending:
    """Shows and checks the results of a run."""

    def __init__(self, world: World, country: Country, callers: Callers, console: Console) -> None:
        self.world, self.directory, self.console = world, country.directory, console
        self._country, self._callers = country, callers
        self._scenes, self._steward = country.sample.scenes, callers.of(STEWARD)
        self._stages, self._gives = country.stages, country.gives
        self._told_singly = country.sample.needs.told_singly
        self._url = world.url("REFERRAL")
        self._desk, self._gate = callers.of(INTAKE_DESK), country.sample.arrivals[TransportMode.FLIGHT].place
        self._nationality, self._connections = country.sample.people.nationality, callers.connections

    async def show(self, run: Run) -> bool:
        """Print all results; returns True if all checks passed."""
        run = replace(run, acts=[*await self._scenes_at_reception(run), *run.acts])
        for act in run.acts:
            self.console.print(act_panel(act))
        self.console.print(
            "For the last scene, 72 hours passed on the clock of the installation. Tables and trace show the state "
            "before that time, the invariants show the present state."
        )
        self.console.print(needs_table(by_kind(run.journeys)))
        self.console.print(stages_table(by_stage(run.journeys), self._stages))
        self.console.print(places_table(run.before, run.after, self.directory))
        offers = offers_by_status(run.journeys)
        self.console.print(partners_table(run.tally, offers=offers, rerouted=rerouted(run.journeys)))
        self.console.print(
            f"{run.webhooks_verified} webhooks verified, {run.webhooks_refused} refused; "
            f"{run.calls_again} calls repeated because a server did not answer"
        )
        if run.pace < BUSY_BELOW:
            self.console.print(f"The machine was busy: the clock was slowed down to {run.pace:.2f} of real time")
        await self._show_three(run)
        self._show_trace(run)
        kept = await self._promises(run)
        self.console.print(promises_table(kept))
        documents = [(f"API of {word.lower()}", f"{self.world.url(word)}/docs") for word in WORDS]
        self.console.print(addresses_table([*documents, ("console", self.world.url("CONSOLE"))]))
        return all(holds for _, holds, _ in kept)

    async def _scenes_at_reception(self, run: Run) -> list[Act]:
        """Scenes at registration that are played now, on what the run has left."""
        twice = await registered_twice(self.world, self._desk, place=self._gate, nationality=self._nationality)
        gate = self._callers.of(self._country.reception(TransportMode.FLIGHT))
        known = await self._adult_of(run.flight.returnee_ids)
        offline = await without_a_line(
            self.world, self._country, gate=gate, desk=self._desk, place=self._gate, known=known
        )  # fmt: skip
        shown = {journey["returnee_id"] for journey, *_ in three_to_show(run.journeys, self._scenes.shown)}
        officer = self._callers.of(OFFICER)
        erasing = Erasing(self.world, self._callers, self.directory, officer=officer, steward=self._steward)
        erased = await erasing.erase_one(run.journeys, but={known["id"], *shown})
        screening = await self._screened()
        return [twice, offline, *([] if screening is None else [screening]), erased_act(erased)]

    async def _adult_of(self, returnee_ids: list[str]) -> dict[str, Any]:
        """A person of these who is an adult without a household."""
        for returnee_id in returnee_ids:
            person: dict[str, Any] = await self._desk.get(
                f"{self.world.url('REGISTRATION')}/v1/returnees/{returnee_id}"
            )
            if person["profile"]["age_group"] == "adult" and person["household_id"] is None:
                return person
        raise LookupError("nobody of the flight is an adult without a household")

    async def _screened(self) -> Act | None:
        screener = await signed_in(self.world, self._connections, SCREENER)
        whose = {"place": self._gate, "nationality": self._nationality}
        return await screened(self.world, self._desk, screener, self._steward, **whose)

    async def _show_three(self, run: Run) -> None:
        names = {str(service.id): service.name for service in self.directory.services}
        for journey, need, offer in three_to_show(run.journeys, self._scenes.shown):
            explanation: dict[str, Any] = await self._steward.get(f"{self._url}/v1/offers/{offer['id']}/explanation")
            self.console.print(
                why_panel(case_code=journey["case_code"], need=need, offer=offer, explanation=explanation, names=names)
            )

    async def _promises(self, run: Run) -> list[Kept]:
        known = sum(len(journey["needs"]) for journey in run.journeys)
        accepted = sum(row.accepted for row in by_kind(run.journeys).values())
        later, failures = rerouted(run.journeys), run.tally.failures
        going = households_by_services(run.journeys, run.households, self._told_singly)
        apart = going.total() - going[1]
        fit = offers_by_fit(run.journeys, self._gives)
        return [
            ("every need reported at intake is known", known == run.needs_count, f"{known} of {run.needs_count}"),
            ("needs were accepted", accepted > 0, f"{accepted}, {later} of them by a later candidate"),
            *(
                (f"shown: {act.title}", act.happened, "yes" if act.happened else "it did not happen")
                for act in run.acts
                if act.happened or run.acts_must_happen
            ),
            ("a kind is offered to those who give it", not fit[False], f"{fit[True]} offers are, {fit[False]} are not"),
            ("families whose members told a need singly stay together", not apart, f"{going[1]} do, {apart} do not"),
            *check_invariants(await invariants(self._steward, url=self._url)),
            check_places(list((await pools(self._steward, url=self._url)).values())),
            await check_clocks(self.world.databases, self.world.now()),
            *await check_drained(self.world.databases),
            ("every call of a partner got the expected answer", not failures, "; ".join(failures[:3]) or "all"),
        ]

    def _show_trace(self, run: Run) -> None:
        """Print one person's trace, if possible of one whose offer was declined as full.

        In such a trace, all four services take part.
        """
        spans = [one for one in read_spans(self.world.spans, since_ns=run.began_ns) if one.start < run.told_ns]
        everybody = [journey["returnee_id"] for journey in run.journeys]
        chosen = choose_trace(spans, declined_as_full(run.journeys)) or choose_trace(spans, everybody)
        if chosen is not None:
            returnee_id, trace = chosen
            code = next(one["case_code"] for one in run.journeys if one["returnee_id"] == returnee_id)
            self.console.print(as_tree(trace, title=f"The trace of {code}"))
            if template := self.world.addresses.get(TRACE_URL_VARIABLE):
                self.console.print(f"the same trace: {trace_link(template, trace[0].trace_id)}", soft_wrap=True)
