"""`python -m deploy.demo` (make demo): the system, a flight of 135, a bus of 40, and a check of the invariants."""

import asyncio
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.demo.client import CallError
from deploy.demo.country import Country
from deploy.demo.ending import Ending
from deploy.demo.habits import on_a_scarce_day
from deploy.demo.own_pack import OtherCountryError
from deploy.demo.pace import Pace, prepare
from deploy.demo.story import Options, Story, Watch, nobody_watches
from deploy.demo.world import World, callers_of
from deploy.local.addresses_report import print_console
from deploy.local.installation import DEFAULT_PACK, DEFAULT_STATE, state_beside
from deploy.local.jars import FetchError
from deploy.local.locks import AlreadyRunningError
from deploy.local.processes import StartError
from deploy.local.supervisor import System, running_system
from deploy.local.traces import TracesOption
from deploy.packs.named import PackOption
from libs.chassis.clock import ClockFault
from libs.chassis.paced_clock import Schedule
from libs.chassis.yaml_files import FaultyFileError

BESIDE = "demo"
"""The state of the demo, kept apart from that of `make up`, because the demo's clock is ahead of real time."""

FAILURES = (
    StartError, FetchError, AlreadyRunningError, CallError, ClockFault, OtherCountryError, FaultyFileError,
    TimeoutError, ExceptionGroup,
)  # fmt: skip
"""Errors whose text tells the user what is wrong."""

console = Console(highlight=False)
if not console.is_terminal:
    console = Console(highlight=False, width=120)


def main(
    state: Annotated[Path, typer.Option(help="Directory in which the demo keeps its own state.")] = DEFAULT_STATE,
    flight: Annotated[int, typer.Option(min=10, max=500, help="People on the flight.")] = 135,
    bus: Annotated[int, typer.Option(min=10, max=200, help="People on the bus.")] = 40,
    seed: Annotated[int, typer.Option(help="The same seed gives the same people.")] = 20,
    pack: PackOption = DEFAULT_PACK,
    traces: TracesOption = False,
    stay: Annotated[bool, typer.Option("--stay", help="Keep the console running at the end, until Ctrl-C.")] = False,
) -> None:
    """Run the demo with a country pack, and exit 0 only if all invariants hold."""
    options = Options(flight=flight, bus=bus, seed=seed)
    try:
        kept = asyncio.run(_run(state_beside(state, BESIDE, pack), pack, options, traces=traces, stay=stay))
    except FAILURES as error:
        for line in _causes(error):
            console.print(line, style="red", markup=False)
        raise typer.Exit(1) from error
    except asyncio.CancelledError:
        raise typer.Exit(130) from None
    raise typer.Exit(0 if kept else 1)


async def _run(state: Path, pack: Path, options: Options, *, traces: bool, stay: bool) -> bool:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    began = time.monotonic()
    installation, schedule = prepare(state, pack)
    async with running_system(replace(installation, traces=traces), say=_say) as system:
        kept = await play(system, options, console, schedule=schedule)
        if stay or (traces and console.is_terminal):
            await _until_ctrl_c(task, system)
    console.print(f"{time.monotonic() - began:.0f} s from start to stop")
    return kept


async def _until_ctrl_c(task: asyncio.Task[object], system: System) -> None:
    """Keep the system running while somebody looks at its console or its traces."""
    print_console(system.installation, system.environment["ENLACE_CONSOLE_URL"], console)
    console.print("The system stays until you end the demo with Ctrl-C.")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        task.uncancel()


async def play(
    system: System, options: Options, console: Console, *, schedule: Schedule, watch: Watch = nobody_watches
) -> bool:
    """Run the demo on a running system whose clock follows this schedule; returns True if all checks passed."""
    world = World.of(system)
    country = Country.of(system.installation.pack)
    scarce = on_a_scarce_day(country.directory, country.sample.partners.scarce)
    country = replace(country, directory=scarce)
    async with callers_of(world) as callers:
        run = await Story(world, country, options, console, pace=Pace(world, schedule), watch=watch).tell(callers)
        return await Ending(world, country, callers, console).show(run)


def _causes(error: BaseException) -> list[str]:
    """The causes of an error, one line for each; several callers can fail at once."""
    if isinstance(error, BaseExceptionGroup):
        return [line for inner in error.exceptions for line in _causes(inner)]
    return [str(error) or type(error).__name__]


def _say(text: str) -> None:
    console.print(f"{time.strftime('%H:%M:%S')} {text}", markup=False)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
