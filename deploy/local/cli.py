"""The commands behind `make up`, `down`, `status`, `logs`, `token` and `partner`."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.demo.client import CallError
from deploy.local import following, partners, status_report
from deploy.local.addresses_report import print_addresses
from deploy.local.clients import UnknownClientError
from deploy.local.installation import (
    DEFAULT_PACK,
    DEFAULT_STATE,
    ROOT,
    Installation,
)
from deploy.local.jars import FetchError
from deploy.local.locks import AlreadyRunningError, holder
from deploy.local.pack_loading import load_pack_once
from deploy.local.processes import StartError
from deploy.local.running import read_record
from deploy.local.supervisor import running_system
from deploy.local.timekeeping import clock_settings
from deploy.local.traces import ZIPKIN, TracesOption
from deploy.packs.directory import load_directory as read_directory
from deploy.packs.named import PackOption
from libs.chassis.yaml_files import FaultyFileError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
console = Console(highlight=False, soft_wrap=True)
if not console.is_terminal:
    console.width = 200  # so that long addresses are not cut in files and pipes
StateOption = Annotated[
    Path, typer.Option("--state", envvar="ENLACE_STATE", help="Directory that keeps data, secrets and logs.")
]
EnvOption = Annotated[
    Path | None,
    typer.Option("--env", envvar="ENLACE_ENV", help="File with the addresses of an installation that runs elsewhere."),
]
RateOption = Annotated[float, typer.Option("--clock-rate", help="Installation seconds per real second.")]
DOWN_SECONDS = 90.0


@app.command()
def run(
    state: StateOption = DEFAULT_STATE,
    pack: PackOption = DEFAULT_PACK,
    clock_rate: RateOption = 1.0,
    traces: TracesOption = False,
) -> None:
    """Run the system in the foreground until Ctrl-C or SIGTERM."""
    try:
        extra = clock_settings(state, clock_rate)
        asyncio.run(_run(Installation(state=state, pack=pack, extra=extra, traces=traces, console=True)))
    except (StartError, FetchError, AlreadyRunningError, ValueError) as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from error


async def _run(installation: Installation) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None

    def end() -> None:
        if stop.is_set():
            return
        stop.set()
        if not ready:
            task.cancel()

    ready = False
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end)
    try:
        async with running_system(installation, say=_say):
            ready = True
            print_addresses(installation, console)
            await stop.wait()
            _say("stopping")
    except asyncio.CancelledError:
        _say("stopped while starting")


def _say(text: str) -> None:
    console.print(f"{time.strftime('%H:%M:%S')} {text}", markup=False)


@app.command()
def up(
    state: StateOption = DEFAULT_STATE,
    pack: PackOption = DEFAULT_PACK,
    clock_rate: RateOption = 1.0,
    traces: TracesOption = False,
    directory: Annotated[bool, typer.Option(help="Load the directory of the pack if it is empty.")] = True,
) -> None:
    """Start the system in the background, wait until it is ready, print the addresses."""
    installation = Installation(state=state, pack=pack, traces=traces)
    if directory:
        _require_sound_directory(pack)
    supervisor = holder(installation.lock)
    if supervisor is None:
        supervisor = _start_in_background(installation, clock_rate)
    else:
        console.print(f"already running as process {supervisor}")
    try:
        _wait_until_ready(installation, supervisor)
    except KeyboardInterrupt:
        os.kill(supervisor, signal.SIGTERM)
        _wait_until_gone(installation)
        raise typer.Exit(130) from None
    if directory:
        _load_directory(installation)
    print_addresses(installation, console)
    record = read_record(state) or {"parts": []}
    if traces and ZIPKIN not in [part["name"] for part in record["parts"]]:
        console.print("[red]it was started without Zipkin; stop it with `make down`, then start it again[/red]")
        raise typer.Exit(1)


def _require_sound_directory(pack: Path) -> None:
    """Exit with one line for each mistake before anything starts. A directory that was loaded in part would stay so."""
    try:
        read_directory(pack)
    except FaultyFileError as error:
        for fault in error.faults:
            console.print(str(fault), markup=False)
        raise typer.Exit(1) from None


def _load_directory(installation: Installation) -> None:
    try:
        with console.status("looking at the directory") as shown:
            asyncio.run(load_pack_once(installation, shown.update))
    except CallError as error:
        console.print(f"[red]the pack's directory was not loaded: {error}[/red]")
        raise typer.Exit(1) from error


def _start_in_background(installation: Installation, clock_rate: float) -> int:
    log = installation.log("supervisor")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - this module
            [
                *(sys.executable, "-m", "deploy.local", "run", "--state", str(installation.state)),
                *("--pack", str(installation.pack), "--clock-rate", str(clock_rate)),
                *(["--traces"] if installation.traces else []),
            ],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    return process.pid


def _wait_until_ready(installation: Installation, supervisor: int) -> None:
    with console.status("starting") as shown:
        while True:
            record = read_record(installation.state)
            if record is not None and record["supervisor"] == supervisor:
                if record["ready"]:
                    return
                shown.update(record["step"])
            if not _alive(supervisor):
                console.print(installation.log("supervisor").read_text(errors="replace"), markup=False)
                raise typer.Exit(1)
            time.sleep(0.1)


def _alive(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_until_gone(installation: Installation) -> bool:
    until = time.monotonic() + DOWN_SECONDS
    while holder(installation.lock) is not None:
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


@app.command()
def down(state: StateOption = DEFAULT_STATE) -> None:
    """Stop the system; its data stays."""
    installation = Installation(state=state)
    supervisor = holder(installation.lock)
    if supervisor is None:
        console.print("nothing runs here")
        return
    os.kill(supervisor, signal.SIGTERM)
    with console.status("stopping"):
        gone = _wait_until_gone(installation)
    console.print("stopped" if gone else f"process {supervisor} still runs after {DOWN_SECONDS:.0f} s")
    if not gone:
        raise typer.Exit(1)


@app.command()
def status(state: StateOption = DEFAULT_STATE) -> None:
    """Show processes, health and backlog: outboxes, consumer lag, parked keys. Exit code 1 if something is wrong."""
    installation = Installation(state=state)
    if holder(installation.lock) is None:
        console.print("nothing runs here; start it with `make up`")
        raise typer.Exit(1)
    well = asyncio.run(status_report.print_report(installation, console))
    if not well:
        raise typer.Exit(1)


@app.command()
def logs(
    names: Annotated[list[str] | None, typer.Argument(help="Processes; default: all.")] = None,
    state: StateOption = DEFAULT_STATE,
    lines: Annotated[int, typer.Option(help="Number of past lines of each.")] = 10,
    follow: Annotated[bool, typer.Option(help="Follow until Ctrl-C.")] = True,
) -> None:
    """Follow the logs of all processes."""
    directory = Installation(state=state).state / "logs"
    following.follow(directory, names=names or [], lines=lines, for_ever=follow)


@app.command()
def token(
    client: Annotated[str, typer.Option(help="A client of the pack or of a partner.")],
    scope: Annotated[str, typer.Option(help="Only these scopes of the client, separated by spaces.")] = "",
    state: StateOption = DEFAULT_STATE,
    env: EnvOption = None,
) -> None:
    """Print a bearer token of a client."""
    try:
        sys.stdout.write(partners.fetch_token(_addresses(state, env), client, scope=scope) + "\n")
    except (UnknownClientError, partners.NotRunningError, partners.RefusedError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


@app.command()
def partner(
    name: Annotated[str, typer.Option(help="The organisation's name, or its id in the directory.")],
    state: StateOption = DEFAULT_STATE,
    env: EnvOption = None,
) -> None:
    """Add a client for an organisation (and the organisation, if it is missing), and print how it connects."""
    try:
        connection = partners.add_partner(_addresses(state, env), name)
    except (UnknownClientError, partners.NotRunningError, partners.RefusedError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    console.print(connection, markup=False)


def _addresses(state: Path, env: Path | None) -> dict[str, str]:
    return partners.environment(env or Installation(state=state).env_file)
