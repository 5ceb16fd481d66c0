"""An offer that nobody has acknowledged in time: its provider is reminded, or the next one asked (domain 1C)."""

from datetime import timedelta
from typing import Any

import pytest

from libs.events.codes import Urgency
from tests.service.referral.world import World


def clocks(unacknowledged: str) -> dict[str, Any]:
    clock = {"answer_within": 3600, "remind_after": [1800], "acknowledge_within": 600, "unacknowledged": unacknowledged}
    return {"shelter": {"clocks": dict.fromkeys(Urgency, clock)}}


async def an_offer(world: World) -> dict[str, Any]:
    await world.provider()
    returnee = await world.person({})
    await world.round()
    return await world.offer_of(returnee)


async def test_nobody_has_seen_it_so_the_provider_is_reminded_and_the_answer_s_clock_runs_on(new_world):
    async with new_world(categories=clocks("remind")) as world:
        offer = await an_offer(world)
        await world.pass_time(seconds=599)
        assert await world.published("offer.reminded.v1") == []
        await world.pass_time(seconds=2)
        assert len(await world.published("offer.reminded.v1")) == 1
        await world.pass_time(seconds=3000)
        assert (await world.offer_of(offer["returnee_id"]))["status"] == "expired"
        assert len(await world.published("offer.reminded.v1")) == 1, "the late reminder of the answer is no use"


async def test_nobody_has_seen_it_so_the_next_candidate_is_asked_at_once(new_world):
    """Taken out: `acknowledge_deadline` in `make` (the offer stood for its whole hour)."""
    async with new_world(categories=clocks("expire")) as world:
        offer = await an_offer(world)
        second = await world.provider(place="GT13")
        await world.pass_time(seconds=601)
        assert await world.round() == 1
        again = await world.offer_of(offer["returnee_id"])
        assert again["provider_service_id"] == second.service_id
        assert await world.promises() == {}


@pytest.mark.parametrize("unacknowledged", ["remind", "expire"])
async def test_an_offer_that_was_seen_keeps_the_clock_of_its_answer(new_world, unacknowledged: str):
    """Taken out: `stop_timer` in `acknowledge` (a clock was left over that no longer mattered)."""
    async with new_world(categories=clocks(unacknowledged)) as world:
        offer = await an_offer(world)
        answer = await world.step(f"offers/{offer['offer_id']}/acknowledge")
        assert answer.json()["acknowledge_by"] is not None
        kinds = await world.rows("SELECT kind FROM timer ORDER BY kind")
        assert [one["kind"] for one in kinds] == ["offer_expiry", "offer_reminder"]
        await world.pass_time(seconds=1700)
        assert (await world.offer_of(offer["returnee_id"]))["status"] == "acknowledged"


async def test_after_downtime_an_offer_that_is_late_expires_and_nobody_is_reminded(new_world):
    """Each clock in a transaction of its own, the reminders first. Taken out: `answer_by > piece.at`, either time."""
    async with new_world(categories=clocks("remind")) as world:
        await an_offer(world)
        world.clock.passed += timedelta(hours=2)
        while await world.clockwork.fire_once(limit=1):
            pass
        assert await world.published("offer.reminded.v1") == []
        assert len(await world.published("offer.expired.v1")) == 1
