"""The loop of the router: which process leads, how often it looks for work, and what wakes it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.referral.router import loop
from services.referral.router.actions.rounds import Round
from services.referral.router.loop import Router
from services.referral.wakeups import ROUTERS
from tests.infra import for_service
from tests.service.referral.world import World


@asynccontextmanager
async def leading(world: World) -> AsyncIterator[None]:
    """A router runs, and leads, until the block ends."""
    router, stop = Router(world.database, world.policy, dsn=for_service(world.url)), asyncio.Event()
    running = asyncio.create_task(router.run(stop))
    try:
        await until(lambda: router.leads)
        yield
    finally:
        stop.set()
        await running


async def is_offered(world: World, person: UUID) -> None:
    """Wait until the person's need has its offer."""
    async with asyncio.timeout(300):
        while (await world.referral_of(person))["status"] != "offered":  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_only_one_of_two_routers_leads(world: World):
    await world.provider(places=50)
    routers = [Router(world.database, world.policy, dsn=world.url) for _ in range(2)]
    stop = asyncio.Event()
    tasks = [asyncio.create_task(one.run(stop)) for one in routers]
    try:
        returnee = await world.person({})
        async with asyncio.timeout(300):
            while not await world.rows("SELECT 1 FROM offer WHERE returnee_id = $1", returnee):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        held = await world.rows(
            "SELECT granted FROM pg_locks WHERE locktype = 'advisory' AND classid = 1701735521 AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        assert [row["granted"] for row in held] == [True]
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def test_the_leader_sees_needs_that_another_process_has_recorded(world: World, monkeypatch: pytest.MonkeyPatch):
    """Taken out: `SERVICE_ITSELF` in `Router.run` (row-level security hides the need, and no round begins)."""
    monkeypatch.setattr(loop, "SWEEP_S", 86_400.0)
    await world.provider()
    async with leading(world):
        await is_offered(world, await world.person({}))


async def test_while_a_flight_waits_for_its_last_person_there_are_few_rounds(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Its needs seem to be ready all the time. Taken out: `EMPTY_S` in `Router._pause` (a round every 50 ms)."""
    monkeypatch.setattr(loop, "SWEEP_S", 86_400.0)
    monkeypatch.setattr(loop, "EMPTY_S", 3_600.0)
    await world.provider()
    batch, began = uuid4(), 0
    await world.person({"arrival_batch_id": batch, "urgency": "normal"}, arrival_batch_id=batch)
    real = Router.place_once

    async def counted(router: Router) -> Round:
        nonlocal began
        began += 1
        return await real(router)

    monkeypatch.setattr(Router, "place_once", counted)
    async with leading(world):
        rounds = began
        await asyncio.sleep(10 * loop.POLL_S)
        assert began <= rounds + 1


async def test_a_router_without_work_looks_less_often_and_is_woken_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Taken out: `is_calm` in `Router._pause` (a look every 50 ms, day and night)."""
    monkeypatch.setattr(loop, "SWEEP_S", 86_400.0)
    monkeypatch.setattr(loop, "CALM_S", 0.0)
    monkeypatch.setattr(loop, "EMPTY_S", 3_600.0)
    await world.provider()
    looks = 0
    real = Router._is_worth_a_round

    async def counted(router: Router, connection: Any) -> bool:
        nonlocal looks
        looks += 1
        return await real(router, connection)

    monkeypatch.setattr(Router, "_is_worth_a_round", counted)
    async with leading(world):
        seen = looks
        ROUTERS.wake()
        await until(lambda: looks > seen)
        await asyncio.sleep(10 * loop.POLL_S)
        assert looks == seen + 1
        await is_offered(world, await world.person({}))


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(300):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
