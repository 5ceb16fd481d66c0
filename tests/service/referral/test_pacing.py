"""What follows an outage is paced: a service gets so many ordinary offers in so many seconds, and no more."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from libs.events.codes import Urgency
from services.referral.router.loop import SWEEP_S, Router
from tests.service.referral import making
from tests.service.referral.world import World

PACED: dict[str, Any] = {"pacing": {"offers_per_service": 5, "per_seconds": 60}}


async def waiting(world: World, count: int, urgency: Urgency = Urgency.NORMAL) -> list[UUID]:
    """People in the order in which they have waited."""
    first = datetime.now(UTC) - timedelta(hours=1)
    return [
        await world.person({"urgency": urgency, "reported_at": first + timedelta(seconds=place)})
        for place in range(count)
    ]


async def offered(world: World) -> list[UUID]:
    return [row["returnee_id"] for row in await world.rows("SELECT returnee_id FROM offer ORDER BY made_at, offer_id")]


async def test_ordinary_offers_to_a_service_come_at_the_packs_pace_and_in_order_also_after_a_restart(new_world):
    """Taken out: `pace.later` in the round (all 17 at once); the reading of past offers (each round gave 5 more)."""
    async with new_world(**PACED) as world:
        await world.provider(places=100)
        people = await waiting(world, 17)
        for expected in (5, 10, 15, 17):
            # As another process would: nothing is remembered but what the rows say.
            world.router = Router(world.database, world.policy, dsn=world.url)
            await world.round()
            assert await offered(world) == people[:expected]
            assert await world.round() == 0, "within a minute no more"
            world.clock.passed += timedelta(seconds=61)
        assert await world.promises() == {}


async def test_urgent_needs_are_never_held_back(new_world):
    """Taken out: the urgency in `Pace.later`."""
    async with new_world(**PACED) as world:
        await world.provider(places=100)
        await waiting(world, 8)
        await waiting(world, 9, Urgency.URGENT)
        assert await world.round() == 9


async def test_another_service_has_a_pace_of_its_own(new_world):
    async with new_world(**PACED) as world:
        organization = await world.provider(places=100)
        await waiting(world, 6)
        assert await world.round() == 5
        await world.declare(organization, 0, available=0, as_of=datetime.now(UTC))
        await world.provider(places=100)
        world.clock.passed += timedelta(seconds=61)
        assert await world.round() == 1


async def test_however_many_wait_for_their_turn_the_router_rests_and_goes_on_at_their_moment(new_world, monkeypatch):
    """Beside its look through the queues each second it has no rounds. Taken out: the time in `_is_worth_a_round`."""
    rounds: list[float] = []
    place_once = Router.place_once

    async def counted(router: Router) -> Any:
        rounds.append(time.monotonic())
        return await place_once(router)

    async with new_world(**PACED) as world:
        await world.provider(places=1000)
        people = [uuid4() for _ in range(100)]
        await world.hear_together(*[making.registered(one) for one in people])
        await world.hear_together(*[making.consent(one) for one in people])
        await world.hear_together(*[making.need(one, urgency=Urgency.NORMAL) for one in people])
        assert await world.round() == 5
        monkeypatch.setattr(Router, "place_once", counted)
        stop, began = asyncio.Event(), time.monotonic()
        running = asyncio.create_task(world.router.run(stop))
        try:
            await asyncio.sleep(5)
            assert len(rounds) <= (time.monotonic() - began) / SWEEP_S + 3
            world.clock.passed += timedelta(seconds=61)
            for _ in range(600):
                if len(await offered(world)) == 10:
                    break
                await asyncio.sleep(0.05)
            assert len(await offered(world)) == 10
        finally:
            stop.set()
            await running
        assert await world.promises() == {}
