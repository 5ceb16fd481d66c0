"""Thousands of clocks at once: each fires once, whoever fires it, and soon; nobody who comes meanwhile waits long."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from libs.chassis.database import raw
from services.referral.app import clockwork
from tests.service.referral.world import World

_OWNED = """
WITH made AS (
    INSERT INTO journey (returnee_id, case_code, profile_version, consent_version, first_seen_at)
    SELECT gen_random_uuid(), 'EN-0000-0000', 0, 0, now() FROM generate_series(1, $1) RETURNING returnee_id
), needs AS (
    INSERT INTO need (need_id, returnee_id, category, urgency, people_count, restricted, status, reported_at, owner,
        owner_reason, owned_since)
    SELECT gen_random_uuid(), returnee_id, 'training', 'normal', 1, false, 'open', now(), 'lead', 'no_candidate', now()
    FROM made RETURNING need_id, returnee_id
)
INSERT INTO timer (subject_id, kind, nth, returnee_id, due_at)
SELECT need_id, 'owner_silence', 0, returnee_id, now() FROM needs
"""


async def owned_needs(world: World, count: int) -> None:
    async with world.database.transaction() as session:
        await (await raw(session)).execute(_OWNED, count)


async def test_eight_workers_fire_thousands_of_clocks_each_once(world: World):
    """Taken out: `still_due` (steps were doubled); the claim of journeys (workers met on rows)."""
    await owned_needs(world, 3000)
    world.clock.passed += timedelta(minutes=1)
    workers = [clockwork(world.database, world.policy) for _ in range(8)]

    async def work(one) -> int:
        fired = 0
        while got := await one.fire_once(limit=100):
            fired += got
        return fired

    fired = await asyncio.gather(*(work(one) for one in workers))
    assert sum(fired) == 3000
    assert sum(1 for one in fired if one) > 1, "workers look past what others are at"
    steps = await world.rows("SELECT need_id, count(*) AS times FROM step WHERE step = 'need.assign' GROUP BY need_id")
    assert (len(steps), {one["times"] for one in steps}) == (3000, {1})
    assert await world.rows("SELECT 1 FROM need WHERE owner <> 'steward'") == []
    assert await world.promises() == {}


async def test_ten_thousand_overdue_clocks_are_decided_and_newcomers_do_not_wait_for_the_last(world: World):
    await owned_needs(world, 10_000)
    world.clock.passed += timedelta(hours=1)
    began, waits = time.monotonic(), []

    async def fire() -> None:
        while await world.clockwork.fire_once():
            pass

    firing = asyncio.create_task(fire())
    while not firing.done():
        before = time.monotonic()
        await world.person({})
        waits.append(time.monotonic() - before)
        await asyncio.sleep(0.05)
    await firing
    took = time.monotonic() - began
    assert await world.rows("SELECT 1 FROM timer WHERE kind = 'owner_silence' AND due_at <= now()") == []
    assert max(waits) < took / 2, (max(waits), took)


async def test_a_clock_set_back_fires_nothing_that_others_have_set_by_the_right_time(world: World):
    """This process has seen an hour too much; what is set now is due by the clock, not by what it saw.

    Taken out: `shown` in `fire_once` (with `now` the offer of half an hour expired at once).
    """
    await world.provider()
    world.clock.passed = timedelta(hours=3)
    await world.round()
    world.clock.passed = timedelta()
    await owned_needs(world, 1)
    async with world.database.transaction() as session:
        await (await raw(session)).execute("UPDATE timer SET due_at = clock_timestamp() + interval '1 hour'")
    assert await world.clockwork.fire_once() == 0


@asynccontextmanager
async def firing(world: World, pack: Path, name: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The clocks' loop as a process; killed at the end if it is still there."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.service.referral.firing", world.url, str(pack), name),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def fired_and_due(world: World) -> tuple[int, int]:
    """How many clocks have had their effect, and how many are still to have it."""
    row = await world.row(
        "SELECT (SELECT count(*) FROM step WHERE step = 'need.assign') AS fired,"
        " (SELECT count(*) FROM timer WHERE due_at <= clock_timestamp()) AS due"
    )
    return row["fired"], row["due"]


async def rests(process: asyncio.subprocess.Process) -> None:
    """Wait until the process has written all of a transaction and not yet committed it."""
    assert process.stdout is not None
    assert await process.stdout.readline() == b"resting\n"


async def test_kill_9_while_thousands_of_clocks_fire_loses_none_and_doubles_none(world: World, tmp_path: Path):
    """Three processes die one after another with a transaction open; a fourth fires the rest and stops when told.

    Seen to fail with the clocks removed in a transaction of their own: those of the killed were never fired.
    """
    total, fired = 5000, 0
    await owned_needs(world, total)
    for number in range(3):
        async with firing(world, tmp_path, f"firing-{number}") as process:
            await rests(process)
            await rests(process)
            process.kill()
            assert await process.wait() == -9
        before, (fired, due) = fired, await fired_and_due(world)
        assert before < fired < total, "killed in the middle"
        assert fired + due == total
    async with firing(world, tmp_path, "firing-last") as process:
        while await fired_and_due(world) != (total, 0):
            assert process.returncode is None, "the last one has ended by itself"
            await asyncio.sleep(0.1)
        process.terminate()
        assert await process.wait() == 0, "the loop ends when it is told to"
    steps = await world.rows("SELECT need_id, count(*) AS times FROM step WHERE step = 'need.assign' GROUP BY need_id")
    assert (len(steps), {one["times"] for one in steps}) == (total, {1})
    told = await world.rows("SELECT count(*) AS times FROM outbox WHERE type = 'need.assigned.v1' GROUP BY key")
    assert (len(told), {one["times"] for one in told}) == (total, {1})
    assert await world.promises() == {}


async def test_a_batch_that_waits_for_the_database_keeps_no_other_batch_waiting(world: World):
    """With one hand the second batch begins when the first has ended; here the first ends when the second has begun."""
    clocks, begun, stop = world.clockwork, asyncio.Barrier(2), asyncio.Event()

    async def wait_for_another(**_: object) -> int:
        await asyncio.wait_for(begun.wait(), 10)
        stop.set()
        return 1

    clocks.fire_once = wait_for_another  # type: ignore[method-assign]
    await clocks.run(stop)
    assert stop.is_set()


async def test_a_worker_that_finds_most_of_a_batch_taken_fills_it_with_what_is_due_next(world: World):
    """Without the second page it fires the three that are left of the first, and goes round for every few."""
    await owned_needs(world, 300)
    await world.rows("UPDATE timer SET due_at = due_at - random() * interval '1 second'")
    first = "SELECT returnee_id FROM timer ORDER BY due_at LIMIT 97"
    async with world.database.transaction() as session:
        await (await raw(session)).execute(f"SELECT FROM journey WHERE returnee_id IN ({first}) FOR UPDATE")
        assert await world.clockwork.fire_once(limit=100) == 103


async def test_what_stops_one_hand_stops_the_loop_under_its_own_name(world: World):
    """Readiness and the log tell the type of what a loop raised. With a task group it is an `ExceptionGroup`."""
    clocks, hands = world.clockwork, [0]

    async def fail_or_go_on(**_: object) -> int:
        hands[0] += 1
        if hands[0] == 2:
            raise ConnectionResetError
        await asyncio.Event().wait()
        return 0

    clocks.fire_once = fail_or_go_on  # type: ignore[method-assign]
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(clocks.run(asyncio.Event()), 10)
    assert not [task for task in asyncio.all_tasks() if "_fire_on" in repr(task)], "the other hand has ended as well"
