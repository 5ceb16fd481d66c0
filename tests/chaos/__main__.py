"""`python -m tests.chaos --minutes 5 --seed 7` (make chaos): break the system at random, then count what was lost."""

import asyncio
import logging
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from deploy.local.installation import ROOT
from tests.chaos import report
from tests.chaos.faults import MEAN_PAUSE_SECONDS
from tests.chaos.load import RATE
from tests.chaos.planted import Plant
from tests.chaos.running import Run
from tests.chaos.stage import set_stage

REPORT = ROOT / ".enlace" / "chaos.json"
PATIENCE_SECONDS = 300.0
SEEDS = 1_000_000
console = Console(highlight=False)
if not console.is_terminal:
    console = Console(highlight=False, width=120)


def main(
    minutes: Annotated[float, typer.Option(min=0.1, help="How long faults are done.")] = 5.0,
    seed: Annotated[
        int | None, typer.Option(help="The same seed plans the same faults; else one from the clock.")
    ] = None,
    rate: Annotated[float, typer.Option(min=0.1, help="Inputs a second.")] = RATE,
    pause: Annotated[float, typer.Option(min=0.6, help="Mean seconds between two faults.")] = MEAN_PAUSE_SECONDS,
    plant: Annotated[
        list[Plant] | None, typer.Option(help="Make the system misbehave once: the run must fail.")
    ] = None,
    keep: Annotated[Path | None, typer.Option(help="Keep data, logs and history in this directory.")] = None,
) -> None:
    """Run, print the verdict, write it to .enlace/chaos.json; exit 0 only if every promise was kept."""
    chosen = time.time_ns() // 1_000_000 % SEEDS if seed is None else seed
    console.print(f"seed {chosen}, {minutes:g} minutes, {rate:g} inputs a second")
    # Clients that lose their broker complain at every attempt; what matters is in the verdict.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        good = uvloop.run(_run(minutes, chosen, rate, pause, plant or [], keep and keep.resolve()))
    except asyncio.CancelledError:
        raise typer.Exit(130) from None
    raise typer.Exit(0 if good else 1)


async def _run(minutes: float, seed: int, rate: float, pause: float, plants: list[Plant], keep: Path | None) -> bool:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with tempfile.TemporaryDirectory(prefix="enlace-chaos-", ignore_cleanup_errors=True) as temporary:
        folder = keep or Path(temporary)
        _say("starting the system")
        async with set_stage(folder, seed=seed, say=_say) as stage:
            run = Run(stage, seed=seed, say=_say)
            try:
                await run.torment(minutes * 60, rate=rate, mean_pause_s=pause)
                await run.plant(plants)
                verdict = await run.verdict(patience_s=PATIENCE_SECONDS)
            finally:
                await run.close()
                run.history.save(folder / "history.jsonl")
    report.show(verdict, console, title=f"Chaos, seed {seed}, {minutes:g} minutes, {_commit()}")
    report.write(verdict, REPORT, seed=seed, minutes=minutes, rate=rate, commit=_commit(), planted=plants)
    return verdict.is_good


def _commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT, check=False)
    return done.stdout.strip() or "no commit"


def _say(text: str) -> None:
    console.print(f"{time.strftime('%H:%M:%S')} {text}", markup=False)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
