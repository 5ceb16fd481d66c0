"""`python -m deploy.simulate` (make simulate): days of flights and buses, and a check that no need ends unowned."""

import asyncio
import json
import signal
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from deploy.demo.client import CallError
from deploy.demo.country import Country
from deploy.demo.report import promises_table
from deploy.demo.world import World, callers_of
from deploy.local.installation import DEFAULT_PACK, DEFAULT_STATE, Installation, state_beside
from deploy.local.jars import FetchError
from deploy.local.keyring import write_private
from deploy.local.locks import AlreadyRunningError
from deploy.local.processes import StartError
from deploy.local.supervisor import System, forget_everything, running_system
from deploy.local.timekeeping import SCHEDULE
from deploy.packs.named import PackOption
from deploy.simulate.closure import Category, at, by_stage
from deploy.simulate.report import as_json, closure_table, deeds_table, owners_table, span, times_table
from deploy.simulate.run import SLOWEST, Options, Run, Simulation
from deploy.simulate.timing import Timepiece, next_monday
from libs.chassis.http_settings import UNLIMITED
from libs.chassis.paced_clock import PacedClock, Schedule
from libs.chassis.yaml_files import FaultyFileError

BESIDE: Final = "simulation"
BEFORE: Final = timedelta(minutes=20)
"""The clock begins this long before its first midnight. It runs slowly while the system starts and loads the directory.
"""
SAMPLED: Final = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"}
"""One journey in a hundred is traced. Writing the traces of tens of thousands of journeys would overload the disk."""
BEHIND: Final = 2.0
"""A multiple of the allowed lateness. If one expiry in twenty is later than this, the pacing has failed."""

FAILURES = StartError, FetchError, AlreadyRunningError, CallError, FaultyFileError, TimeoutError, ExceptionGroup
"""Errors whose text tells the user what is wrong."""

console = Console(highlight=False)
if not console.is_terminal:
    console = Console(highlight=False, width=170)


def main(
    days: Annotated[float, typer.Option(min=0.1, max=366, help="Days of arrivals.")] = 3,
    seed: Annotated[int, typer.Option(help="The same seed gives the same people and the same behaviour.")] = 20,
    rate: Annotated[float, typer.Option(min=2, max=5000, help="The highest rate of the clock.")] = 2400,
    lateness: Annotated[
        float, typer.Option(min=1, max=60, help="Delay in minutes of the simulated clock that is allowed.")
    ] = 5,
    share: Annotated[float, typer.Option(min=0.05, max=1, help="The share of the real traffic and places.")] = 1.0,
    drain_days: Annotated[
        float, typer.Option(min=0, max=60, help="Days for which the clock continues after the last arrival.")
    ] = 1,
    state: Annotated[
        Path, typer.Option(help="Directory for the figures; the system's state is in the same place.")
    ] = DEFAULT_STATE,
    pack: PackOption = DEFAULT_PACK,
) -> None:
    """Run the simulation with a country pack, and exit 0 only if no need ended unowned and every promise was kept."""
    options = Options(
        days=days,
        seed=seed,
        rate=rate,
        lateness=timedelta(minutes=lateness),
        share=share,
        drain=timedelta(days=drain_days),
    )
    try:
        held = asyncio.run(_run(state, pack, options))
    except FAILURES as error:
        console.print(str(error) or type(error).__name__, style="red", markup=False)
        raise typer.Exit(1) from error
    except asyncio.CancelledError:
        raise typer.Exit(130) from None
    raise typer.Exit(0 if held else 1)


async def _run(state: Path, pack: Path, options: Options) -> bool:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    run = await simulate(state, options, console, pack=pack)
    return run.holds


async def simulate(state: Path, options: Options, console: Console, *, pack: Path = DEFAULT_PACK) -> Run:
    """Run the simulation on its own system with an accelerated clock; show the results and write them to a file."""
    began = time.monotonic()

    def say(text: str) -> None:
        console.print(f"{time.strftime('%H:%M:%S')} {text}", markup=False)

    country, own = Country.of(pack), state_beside(state, BESIDE, pack)
    installation, timepiece, schedule = prepare(own, options, pack, country)
    async with running_system(installation, say=say) as system:
        run = await _play(system, country, options, timepiece, schedule, say)
    stages = by_stage(run.categories, country.stage_of, country.stages)
    _show(run, stages, options, console)
    taken = time.monotonic() - began
    figures = as_json(
        run.categories, stages, days=options.days, seed=options.seed, rate=options.rate, mean_rate=round(run.rate),
        lateness_minutes=options.lateness / timedelta(minutes=1), share=options.share,
        drain_days=options.drain / timedelta(days=1), people=run.people_count, vehicles=run.vehicles,
        silent_desks=sorted(run.silent_desks), done=dict(run.tally.done), refused=dict(run.tally.refused),
        worst=run.watch.worst, looks=run.watch.looks, promises=[list(one) for one in run.kept], holds=run.holds,
        wall_clock_seconds=round(taken),
    )  # fmt: skip
    result = own.with_name(f"{own.name}.json")
    write_private(result, json.dumps(figures, indent=1))
    console.print(f"{taken:.0f} s from start to stop; figures in {result}", markup=False)
    return run


def prepare(state: Path, options: Options, pack: Path, country: Country) -> tuple[Installation, Timepiece, Schedule]:
    """A new installation with a paced clock that begins shortly before midnight at the start of a Monday."""
    installation = Installation(state=state, pack=pack)
    installation.state.mkdir(parents=True, exist_ok=True)
    forget_everything(installation)
    real = datetime.now(UTC)
    midnight = next_monday(real, timezone=country.directory.timezone)
    path = installation.state / SCHEDULE
    schedule = Schedule(path, shows=midnight - BEFORE, rate=SLOWEST, real=real)
    extra = SAMPLED | UNLIMITED | {"ENLACE_CLOCK_RATE": str(options.rate), "ENLACE_CLOCK_SCHEDULE": str(path)}
    timepiece = Timepiece(PacedClock(path, fastest=options.rate), midnight)
    return Installation(state=installation.state, pack=pack, extra=extra), timepiece, schedule


async def _play(
    system: System, country: Country, options: Options, timepiece: Timepiece, schedule: Schedule, say: Any
) -> Run:
    world = World.of(system)
    async with callers_of(world) as callers:
        return await Simulation(
            world, country, callers, options=options, timepiece=timepiece, schedule=schedule, say=say
        ).play()


def _show(run: Run, stages: Mapping[str, Category], options: Options, console: Console) -> None:
    console.print(closure_table(run.categories))
    console.print(closure_table(stages, by="stage"))
    console.print(times_table(run.categories))
    console.print(owners_table(run.categories))
    console.print(deeds_table(run.tally.done, run.tally.refused))
    console.print(
        f"{run.people_count} people in {run.vehicles} flights and buses over {options.days:g} days, "
        f"seed {options.seed}; the clock ran at {run.rate:.0f} on average"
    )
    console.print(f"desks that never acted: {', '.join(sorted(run.silent_desks))}", markup=False)
    if run.late:
        typical, late = at(run.late, 0.5), at(run.late, 0.95)
        console.print(
            f"expired offers were ended {span(typical)} after their deadline (median), 95 % within {span(late)}"
        )
        if late > options.lateness * BEHIND:
            console.print(
                "THE MACHINE WAS TOO SLOW FOR ITS CLOCK, so partners answered late; choose a lower --rate",
                style="bold red",
            )
    console.print(promises_table(run.kept))


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
