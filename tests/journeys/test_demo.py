"""The demo's path through all four services as processes of their own, started by the local supervisor."""

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from rich.console import Console

from deploy.demo.__main__ import play
from deploy.demo.pace import prepare
from deploy.demo.story import Options
from deploy.local.supervisor import System, running_system
from libs.chassis.paced_clock import Schedule

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1800), pytest.mark.asyncio(loop_scope="module")]
SERVICES = ("registration", "referral", "provider_directory", "notifications")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[System, Schedule]]:
    installation, schedule = prepare(tmp_path_factory.mktemp("demo"))
    async with running_system(installation, say=lambda text: None) as running:
        yield running, schedule


@pytest.fixture(scope="module")
def system(demo: tuple[System, Schedule]) -> System:
    return demo[0]


@pytest.fixture(scope="module")
def schedule(demo: tuple[System, Schedule]) -> Schedule:
    return demo[1]


def recording() -> Console:
    return Console(width=160, record=True, file=io.StringIO())


def all_text(directory: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in sorted(directory.glob("*")))


async def test_a_flight_and_a_bus_go_from_the_gate_to_accepted_offers(system: System, schedule: Schedule) -> None:
    console = recording()
    kept = await play(system, Options(flight=60, bus=20), console, schedule=schedule)
    text = console.export_text()
    assert kept, text[text.rindex("The promise") :]
    for shown in ("Needs of this flight", "Places by service", "What the partners did", "The trace of", "/docs"):
        assert shown in text
    # Every act names its people by case code; one that did not happen would have broken the promise.
    for act in (
        "No answer: reminder",
        "Full: the pool closes",
        "Escalation: no provider",
        "Prerequisite:",
        "Consent withdrawn",
        "A stay of 72 hours",
        "Registered twice",
        "An hour without a line",
        "Erased on request",
        "A screening that a person without a certificate cannot open",
    ):
        assert act in text
    assert "This did not happen" not in text
    # A trace of somebody whose offer was declined as full: provider_directory hears of that.
    assert "spans in notifications, provider_directory, referral, registration" in text
    # Nobody's name may stand in what the demo shows: case codes only.
    assert "GT-" in text
    assert "Velásquez" not in text
    assert "Sin Línea" not in text


async def test_on_the_same_state_every_service_may_be_killed_during_the_next_flight(
    system: System, schedule: Schedule
) -> None:
    console = recording()
    killed: list[str] = []
    registered = 0

    def watch(what: str, count: int) -> None:
        nonlocal registered
        if not what.startswith("flight"):
            return
        registered += count
        # One after the other, while desks go on registering.
        if registered >= 10 * (len(killed) + 1) and len(killed) < len(SERVICES):
            name = SERVICES[len(killed)]
            os.kill(system.parts[name].child.pid, signal.SIGKILL)
            killed.append(name)

    restarts = {name: system.parts[name].restarts for name in SERVICES}
    options = Options(flight=40, bus=10, seed=9, acts_must_happen=False)
    kept = await play(system, options, console, schedule=schedule, watch=watch)
    assert killed == list(SERVICES)
    text = console.export_text()
    assert kept, text[text.rindex("The promise") :]
    for name in SERVICES:
        assert system.parts[name].restarts > restarts[name], name


async def test_the_spans_that_the_demo_reads_hold_no_name_and_no_number(system: System) -> None:
    spans = await asyncio.to_thread(all_text, system.installation.state / "spans")
    assert spans
    for personal in ("Velásquez", "Ramírez", "Rigoberto", "+50251"):
        assert personal not in spans
