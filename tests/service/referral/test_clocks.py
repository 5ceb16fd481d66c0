"""Clocks fire once, whoever fires them and however late."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from libs.chassis.database import raw
from services.referral.app import clockwork
from services.referral.clocks import queries
from tests.service.referral.world import World


async def test_several_workers_fire_each_clock_once(world: World):
    await world.provider(places=40)
    for _ in range(30):
        await world.person({})
    assert await world.round() == 30
    world.clock.passed += timedelta(hours=3)
    workers = [clockwork(world.database, world.policy) for _ in range(4)]
    while sum(await asyncio.gather(*(worker.fire_once(limit=10) for worker in workers))):
        pass
    assert len(await world.published("offer.expired.v1")) == 30
    assert len(await world.rows("SELECT 1 FROM offer WHERE status = 'expired'")) == 30
    assert await world.promises() == {}


async def test_after_downtime_an_offer_that_is_late_expires_without_a_reminder(world: World):
    await world.provider()
    await world.person({})
    await world.round()
    await world.pass_time(hours=1, seconds=1)
    assert len(await world.published("offer.expired.v1")) == 1
    assert await world.published("offer.reminded.v1") == []


async def test_a_clock_of_a_journey_that_somebody_holds_fires_later(world: World):
    await world.provider()
    returnee = await world.person({})
    await world.round()
    world.clock.passed += timedelta(hours=2)
    async with world.database.transaction() as session:
        await (await raw(session)).execute("SELECT 1 FROM journey WHERE returnee_id = $1 FOR UPDATE", returnee)
        assert await world.clockwork.fire_once() == 0
    assert await world.clockwork.fire_once() == 2
    assert (await world.offer_of(returnee))["status"] == "expired"


async def test_an_answer_and_its_expiry_at_once_have_one_winner(world: World):
    shelter = await world.provider()
    returnee = await world.person({})
    await world.round()
    offer = await world.offer_of(returnee)
    world.clock.passed += timedelta(hours=2)
    answer, _ = await asyncio.gather(
        world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter)), world.clockwork.fire_once()
    )
    stands = (await world.offer_of(returnee))["status"]
    assert (answer.status_code, stands) in {(200, "accepted"), (409, "expired")}
    await world.clockwork.fire_once()
    assert (await world.offer_of(returnee))["status"] == stands
    assert await world.promises() == {}


async def test_nothing_is_due_before_its_time(world: World):
    await world.provider()
    await world.person({})
    await world.round()
    world.clock.passed += timedelta(seconds=1790)
    assert await world.clockwork.fire_once() == 0


async def test_a_worker_that_comes_second_finds_the_clock_gone(world: World, monkeypatch: pytest.MonkeyPatch):
    await world.provider()
    await world.person({})
    await world.round()
    world.clock.passed += timedelta(seconds=1801)
    found = queries.due

    async def found_then_overtaken(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(queries, "due", found)
        due = await found(*given, **named)
        assert await clockwork(world.database, world.policy).fire_once() == 1
        return due

    monkeypatch.setattr(queries, "due", found_then_overtaken)
    assert await world.clockwork.fire_once() == 0
    assert len(await world.published("offer.reminded.v1")) == 1
