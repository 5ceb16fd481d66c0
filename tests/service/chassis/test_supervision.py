"""Loops that fail are started again and named; health tells which part isn't ready and why."""

import asyncio
import time

import asyncpg
import pytest

from libs.chassis import supervisor
from libs.chassis.app import Loop
from libs.chassis.health import Health, Unready
from libs.chassis.settings import Role
from libs.chassis.supervisor import Supervisor


async def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(supervisor, "_FIRST_PAUSE_SECONDS", 0.01)


async def check_all(kept):
    return await Health(kept.checks()).readiness()


async def test_a_loop_that_fails_is_started_again_and_named_until_it_has_settled(monkeypatch):
    monkeypatch.setattr(supervisor, "_SETTLED_SECONDS", 0.05)
    starts = 0

    async def fails_twice(stop):
        nonlocal starts
        starts += 1
        if starts <= 2:
            raise ValueError("Marta Sample")
        await stop.wait()

    kept = Supervisor([Loop("shaky", fails_twice, Role.WORKER)])
    kept.start()
    await until(lambda: starts == 2)
    report = await check_all(kept)
    assert not report.ready
    assert "ValueError" in report.parts["loop:shaky"].why
    assert "Marta" not in report.model_dump_json()
    await until(lambda: starts == 3)
    await asyncio.sleep(0.1)
    assert (await check_all(kept)).ready
    await kept.stop()


async def test_a_loop_that_ends_by_itself_is_started_again():
    starts = 0

    async def ends(_):
        nonlocal starts
        starts += 1

    kept = Supervisor([Loop("ending", ends, Role.WORKER)])
    kept.start()
    await until(lambda: starts >= 3)
    assert "ended by itself" in (await check_all(kept)).parts["loop:ending"].why
    await kept.stop()


async def test_pauses_grow(monkeypatch):
    monkeypatch.setattr(supervisor, "_FIRST_PAUSE_SECONDS", 0.02)
    times = []

    async def fails(_):
        times.append(time.monotonic())
        raise ValueError

    kept = Supervisor([Loop("failing", fails, Role.WORKER)])
    kept.start()
    await until(lambda: len(times) == 5)
    await kept.stop()
    assert times[4] - times[3] > 2 * (times[1] - times[0]) > 0


async def test_one_loop_failing_leaves_the_others_alone():
    async def fails(_):
        raise ValueError

    ran = asyncio.Event()

    async def works(stop):
        ran.set()
        await stop.wait()

    kept = Supervisor([Loop("bad", fails, Role.WORKER), Loop("good", works, Role.WORKER)])
    kept.start()
    await asyncio.wait_for(ran.wait(), 5)
    await asyncio.sleep(0.05)
    parts = (await check_all(kept)).parts
    assert (parts["loop:bad"].ready, parts["loop:good"].ready) == (False, True)
    await kept.stop()


async def test_stopping_waits_for_work_in_hand_and_then_cancels():
    finished = []

    async def finishes(stop):
        await stop.wait()
        await asyncio.sleep(0.05)
        finished.append("work in hand")

    async def hangs(_):
        await asyncio.Event().wait()

    kept = Supervisor([Loop("a", finishes, Role.ALL), Loop("b", hangs, Role.ALL)], deadline_seconds=0.3)
    kept.start()
    await asyncio.sleep(0.02)
    async with asyncio.timeout(300):
        await kept.stop()
    assert finished == ["work in hand"]


async def test_a_check_that_hangs_or_breaks_is_a_part_that_is_not_ready(monkeypatch):
    async def hangs():
        await asyncio.Event().wait()

    async def breaks():
        raise ValueError("Marta Sample")

    async def says():
        raise Unready("three reasons")

    async def good():
        pass

    monkeypatch.setattr("libs.chassis.health._LONGEST_SECONDS", 0.05)
    report = await Health({"hangs": hangs, "breaks": breaks, "says": says, "good": good}).readiness()
    assert {name: part.why for name, part in report.parts.items()} == {
        "hangs": "no answer within 0.05 seconds",
        "breaks": "ValueError",
        "says": "three reasons",
        "good": None,
    }
    assert not report.ready


async def test_checks_are_kept_for_a_second():
    asked = 0

    async def count():
        nonlocal asked
        asked += 1

    health = Health({"count": count})
    for _ in range(3):
        await health.readiness()
    assert asked == 1


async def test_health_needs_no_token_and_names_its_parts(things):
    assert (await things.client.get("/livez")).json() == {"status": "alive"}
    answer = await things.client.get("/readyz")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["parts"].keys() == {"database", "migrations", "loop:idempotency-retention"}
    things.app.state.health.draining = True
    answer = await things.client.get("/readyz")
    assert (answer.status_code, answer.json()["parts"]["process"]["why"]) == (503, "stopping")


async def test_a_database_connection_that_was_cut_costs_one_request_at_most(things):
    headers = things.headers()
    assert (await things.client.get("/v1/things", headers=headers)).status_code == 200
    connection = await asyncpg.connect(things.url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()
    answers = [(await things.client.get("/v1/things", headers=headers)).status_code for _ in range(3)]
    assert answers[0] in (200, 503)
    assert answers[1:] == [200, 200]


async def test_work_that_stands_still_takes_no_api_out_of_service_but_a_process_without_one():
    async def stands_still():
        raise Unready("Kafka can't be reached")

    async def good():
        pass

    parts = ({"database": good}, {"consumer": stands_still})
    with_api, without = Health(*parts), Health(*parts, has_api=False)
    assert (await with_api.readiness()).ready
    assert not (await with_api.work()).ready
    assert (await with_api.readiness()).parts["consumer"].why == "Kafka can't be reached"
    assert not (await without.readiness()).ready
    assert not (await Health({"database": stands_still}, {"consumer": good}).readiness()).ready
