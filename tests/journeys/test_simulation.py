"""A few hours of the simulation through all four services as processes of their own, on a paced clock."""

import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from deploy.simulate.__main__ import BESIDE, simulate
from deploy.simulate.run import Options

pytestmark = [pytest.mark.journey]


async def test_hours_of_arrivals_among_silent_partners_end_with_no_need_unowned(tmp_path: Path) -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    options = Options(days=0.5, seed=1, rate=3600, lateness=timedelta(minutes=15), share=0.05, drain=timedelta(hours=5))
    run = await simulate(tmp_path, options, console)
    text = console.export_text()
    assert run.holds, text
    figures = json.loads((tmp_path / f"{BESIDE}.json").read_text(encoding="utf-8"))
    whole = figures["all"]
    assert whole["needs"] > 20
    assert whole["needs"] == whole["met"] + whole["refused"] + whole["closed"] + whole["open"]
    assert whole["unowned"] == 0
    assert whole["open"] == sum(whole["open_with"].values())
    # Partners went silent, offers expired, the next ones were asked, and desks answer where nobody did.
    assert whole["expired"] > 0
    assert whole["cascaded"] > 0
    assert whole["escalated"] > 0
    assert figures["done"]["left without a word"] > 0
    assert whole["answered"] > 0
    for shown in ("Needs by category", "Time since the report", "Who is responsible for the open needs", "The promise"):
        assert shown in text
