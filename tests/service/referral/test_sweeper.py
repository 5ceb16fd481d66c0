"""No hold leaks, and a sweeper proves it: in a healthy system it finds nothing, and it mends each kind of leak."""

import asyncio
import logging
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from libs.chassis.database import raw
from services.referral.journeys import queries as journeys
from services.referral.places import queries as places
from services.referral.places.loop import Sweeper
from tests.service.referral.world import Provider, World


@pytest.fixture
def sweeper(world: World) -> Sweeper:
    return Sweeper(world.database, claim=journeys.claim)


async def plant(world: World, statement: str, *values: object) -> None:
    async with world.database.transaction() as session:
        await (await raw(session)).execute(statement, *values)


async def offered(world: World, shelter: Provider, *, accepted: bool = False) -> dict[str, object]:
    """An offer at this service, with its places held, or taken."""
    returnee = await world.person({})
    await world.round()
    offer = await world.offer_of(returnee)
    assert offer["provider_service_id"] == shelter.service_id
    if accepted:
        await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
    return offer


async def test_each_kind_of_leak_is_found_mended_and_told(
    world: World, sweeper: Sweeper, caplog: pytest.LogCaptureFixture
):
    """One of each, planted past the code. Seen to fail with each branch of `_LEAKS` taken out by turns."""
    shelter = await world.provider(places=10)
    expired, accepted = await offered(world, shelter), await offered(world, shelter)
    over, healthy = await offered(world, shelter, accepted=True), await offered(world, shelter)
    await plant(world, "UPDATE offer SET status = 'expired', ended_at = now() WHERE offer_id = $1", expired["offer_id"])
    await plant(world, "UPDATE offer SET status = 'accepted' WHERE offer_id = $1", accepted["offer_id"])
    ended = "UPDATE referral SET status = 'cancelled', ended_at = now() WHERE referral_id = $1"
    await plant(world, ended, over["referral_id"])
    orphan = "INSERT INTO place_hold (offer_id, pool_id, place_count, status, held_at) VALUES ($1, $2, 2, 'held', $3)"
    await plant(world, orphan, uuid4(), shelter.pool_id, datetime.now(UTC))
    await plant(world, "UPDATE pool SET held = held + 1 WHERE pool_id = $1", shelter.pool_id)
    with caplog.at_level(logging.ERROR, logger="services.referral.places.loop"):
        mended = await sweeper.sweep_once()
    kinds = ["held_after_acceptance", "held_by_ended_offer", "held_by_ended_offer", "miscounted"]
    assert sorted(one.kind for one in mended) == [*kinds, "taken_by_ended_referral"]
    assert len([one for one in caplog.records if "places.leaked" in one.getMessage()]) == 5
    pool = await world.pool(shelter)
    assert (pool["held"], pool["taken"]) == (1, 1), "of the healthy offer, and of the accepted one"
    holds = await world.rows("SELECT offer_id, status FROM place_hold WHERE status <> 'released'")
    assert {row["offer_id"]: row["status"] for row in holds} == {
        healthy["offer_id"]: "held",
        accepted["offer_id"]: "taken",
    }
    assert await sweeper.sweep_once() == []


async def test_a_leak_of_a_journey_that_somebody_holds_is_left_for_the_next_sweep(world: World, sweeper: Sweeper):
    shelter = await world.provider()
    offer = await offered(world, shelter)
    await plant(world, "UPDATE offer SET status = 'recalled' WHERE offer_id = $1", offer["offer_id"])
    async with world.database.transaction() as session:
        await journeys.lock(session, [offer["returnee_id"]])  # type: ignore[list-item]
        assert await sweeper.sweep_once() == []
    assert len(await sweeper.sweep_once()) == 1


async def test_one_of_several_sweepers_sweeps(world: World, sweeper: Sweeper):
    """While one does the others pass. Seen to fail without `may_sweep`."""
    shelter = await world.provider()
    offer = await offered(world, shelter)
    await plant(world, "UPDATE offer SET status = 'recalled' WHERE offer_id = $1", offer["offer_id"])
    async with world.database.transaction() as session:
        assert await places.may_sweep(session)
        assert await sweeper.sweep_once() == []
    found = await asyncio.gather(*(sweeper.sweep_once() for _ in range(4)))
    assert sum(map(len, found)) == 1


async def test_it_finds_nothing_while_offers_are_made_and_answered(world: World, sweeper: Sweeper):
    """Whatever is in flight: it judges one state of the database, and again once all is locked."""
    shelter = await world.provider(places=6)
    for _ in range(12):
        await world.person({})
    stop, found = asyncio.Event(), []

    async def sweep() -> None:
        while not stop.is_set():
            found.extend(await sweeper.sweep_once())

    sweeping = asyncio.create_task(sweep())
    for turn in range(4):
        await world.round()
        offers = await world.rows("SELECT * FROM offer WHERE status = 'pending'")
        step, body = ("accept", None) if turn % 2 else ("decline", {"reason": "other", "note": "closed for the night"})
        await asyncio.gather(
            *(world.step(f"offers/{one['offer_id']}/{step}", body, headers=world.partner(shelter)) for one in offers),
            world.declare(shelter, 6 + turn),
        )
    stop.set()
    await sweeping
    assert found == []
    assert await world.promises() == {}
