"""One short run of everything, and bugs planted into the same system: zeros first, then none.

Longer ones: `make chaos MINUTES=60`. Everything happens in the fixture, once; the tests look at its two verdicts.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from tests.chaos.checker import Verdict
from tests.chaos.faults import DECK
from tests.chaos.planted import Plant
from tests.chaos.report import MUST_BE_ZERO
from tests.chaos.running import Run
from tests.chaos.stage import set_stage

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1500)]
SEED = 20
SECONDS = 40.0
PAUSE_SECONDS = 1.5
"""Between faults: the whole deck is dealt once."""
PATIENCE_SECONDS = 400.0
"""Spent only where something is still on its way: a busy machine comes to rest later, and not less."""


async def _both(folder: Path) -> tuple[Verdict, Verdict]:
    """The verdict after faults, and the one after bugs were planted."""
    async with set_stage(folder, seed=SEED) as stage:
        run = Run(stage, seed=SEED)
        try:
            await run.torment(SECONDS, mean_pause_s=PAUSE_SECONDS)
            tormented = await run.verdict(patience_s=PATIENCE_SECONDS)
            await run.plant(list(Plant))
            return tormented, await run.verdict(patience_s=PATIENCE_SECONDS)
        finally:
            await run.close()


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Verdict, Verdict]]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner.run(_both(tmp_path_factory.mktemp("chaos")))


def test_a_system_that_is_killed_stopped_and_cut_off_at_random_keeps_every_promise(
    verdicts: tuple[Verdict, Verdict],
) -> None:
    verdict, _ = verdicts
    broken = {name: getattr(verdict, name) for name in MUST_BE_ZERO if getattr(verdict, name)}
    assert verdict.is_good, (broken, verdict.unsettled[:5], verdict.surprises[:5], verdict.examples)
    assert not broken


def test_the_run_had_load_and_faults_of_every_kind(verdicts: tuple[Verdict, Verdict]) -> None:
    """Zeros mean nothing where nothing happened."""
    verdict, _ = verdicts
    assert verdict.acknowledged > 100
    assert verdict.counts["offers accepted"] > 20
    assert verdict.counts["capacity declarations"] > 15
    assert len(verdict.faults) > len(DECK) * 2 / 3, verdict.faults
    assert sum(verdict.restarts.values()) > 2


@pytest.mark.parametrize("figure", ["lost", "double_effects", "order_inversions", "holds_above_maximum"])
def test_a_planted_bug_of_each_kind_makes_the_verdict_bad(verdicts: tuple[Verdict, Verdict], figure: str) -> None:
    _, verdict = verdicts
    assert getattr(verdict, figure) > 0
    assert not verdict.unsettled
    assert not verdict.is_good
