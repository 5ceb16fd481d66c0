"""People who must be kept apart are never offered places at which they would meet (P8)."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from services.referral.router.actions import rounds
from tests.service.referral import making
from tests.service.referral.consuming import reception, statuses
from tests.service.referral.separating import accept, at, pair, start, two_apart
from tests.service.referral.world import World


async def test_two_who_are_placed_in_one_round_come_to_different_places(world: World):
    """Taken out: `_keep_away_others` of the decider."""
    one, other = await two_apart(world, {})
    # Without the rule, the nearer one is the best for both.
    places = {(await world.provider()).service_id, (await world.provider(place="GT13")).service_id}
    assert await world.round() == 2
    assert set(await at(world, one, other)) == places
    assert await world.promises() == {}


async def test_with_one_place_only_the_second_goes_to_a_desk_until_the_first_has_left_it(world: World):
    """Taken out: the interlock `kept_apart`."""
    shelter = await world.provider()
    one, other = await two_apart(world, {})
    assert await world.round() == 1
    assert await at(world, one, other) == [shelter.service_id, None]
    assert ((await world.need_of(other))["owner"], (await world.need_of(other))["owner_reason"]) == (
        "lead",
        "no_candidate",
    )
    offer = await world.offer_of(one)
    declined = await world.step(f"offers/{offer['offer_id']}/decline", {"reason": "not_eligible"})
    assert declined.status_code == 200, declined.text
    assert await world.round() == 1
    assert await at(world, one, other) == [None, shelter.service_id]
    assert await world.promises() == {}


@pytest.mark.parametrize("started", [False, True], ids=["accepted", "begun"])
async def test_who_comes_later_is_not_asked_for_where_the_other_is(world: World, started: bool):
    shelter = await world.provider()
    one = await world.person({})
    await world.round()
    await accept(world, one)
    if started:
        await start(world, shelter, one)
    other = uuid4()
    await world.hear(making.registered(other), making.consent(other), pair(one, other), making.need(other))
    assert await world.round() == 0
    assert await at(world, one, other) == [shelter.service_id, None]
    elsewhere = await world.provider()
    assert await world.round() == 1
    assert await at(world, one, other) == [shelter.service_id, elsewhere.service_id]


@pytest.mark.parametrize(
    ("there", "meets"),
    [
        ({"same": True, "place": "GT01"}, True),
        ({"same": True, "place": "GT13"}, False),
        ({"same": False, "place": "GT01"}, False),
        ({"same": False, "place": "GT13", "on_site_at": "GT01"}, True),
    ],
    ids=["organisation-and-place", "other-place", "other-organisation", "one-reception-place"],
)
async def test_services_of_one_site_count_as_one_place(world: World, there: dict[str, Any], meets: bool):
    """Taken out: the reception place, and the organisation with its place, in `Site.is_at`."""
    same, change = there["same"], {key: value for key, value in there.items() if key != "same"}
    first = await world.provider(places=1, on_site_at="GT01")
    one = await world.person({})
    assert await world.round() == 1
    second = await world.provider(**({"organization_id": first.organization_id} if same else {}), **change)
    other = await world.person({})
    await world.hear(pair(one, other))
    assert await world.round() == (0 if meets else 1)
    assert await at(world, other) == [None if meets else second.service_id]


async def test_what_people_are_not_together_for_is_offered_to_both(world: World):
    health = await world.provider(category="health")
    one, other = await two_apart(world, {"category": "health"})
    assert await world.round() == 2
    assert await at(world, one, other) == [health.service_id] * 2


async def test_a_service_with_a_longest_stay_is_a_place_where_people_meet(world: World):
    await world.provider(category="health", max_stay_hours=48)
    await two_apart(world, {"category": "health"})
    assert await world.round() == 1


async def test_in_the_transaction_that_records_the_need_nobody_is_placed_who_must_be_kept_apart(world: World):
    """Taken out: `apart` in `_opened`."""
    await world.provider()
    gate = await reception(world)
    one = await gate.receives({})
    other = uuid4()
    await world.hear(making.registered(other), making.consent(other), pair(one, other))
    await gate.tells(making.need(other))
    assert await statuses(world, one) == {"shelter": "offered"}
    assert await statuses(world, other) == {"shelter": "seeking"}
    assert await world.round() == 0


async def test_a_desk_cannot_place_them_together_and_does_not_learn_where_the_other_is(world: World):
    """Taken out: `NoPlaceFree` for the place of others (the refusal names `kept_apart`)."""
    shelter = await world.provider()
    one, other = await two_apart(world, {})
    assert await world.round() == 1
    referral = await world.referral_of(other)
    body = {"provider_service_id": str(shelter.service_id), "reason": "Muestra: nobody else has a bed"}
    refused = await world.step(f"referrals/{referral['referral_id']}/override", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "no-place-free")
    assert "apart" not in refused.text
    assert await at(world, one, other) == [shelter.service_id, None]


WAITING = """
SELECT count(*) AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def test_a_desk_and_a_round_at_the_same_moment_do_not_place_them_together(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Taken out: `begin_round` in `place_by_hand`: the desk does not wait for the round."""
    shelter = await world.provider(accepts_automatically=True)
    one, other = await two_apart(world, {})
    # The round looks at the first only, and rests when it has chosen.
    await world.rows("UPDATE referral SET ready_at = NULL, tried_supply = 2 ^ 61 WHERE returnee_id = $1", other)
    chosen, go_on, make_offers = asyncio.Event(), asyncio.Event(), rounds._make_offers

    async def rested(*args: Any) -> int:
        chosen.set()
        await go_on.wait()
        return await make_offers(*args)

    monkeypatch.setattr(rounds, "_make_offers", rested)
    running = asyncio.create_task(world.round())
    await asyncio.wait_for(chosen.wait(), 300)
    referral = await world.referral_of(other)
    body = {"provider_service_id": str(shelter.service_id), "reason": "Muestra: a bed is free"}
    asked = asyncio.create_task(world.step(f"referrals/{referral['referral_id']}/override", body))
    # Until the desk waits for the round, or has its answer if it does not wait.
    async with asyncio.timeout(300):
        while not asked.done() and not (await world.rows(WAITING))[0]["waiting"]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    go_on.set()
    await asyncio.wait_for(running, 300)
    refused = await asyncio.wait_for(asked, 300)
    assert (refused.status_code, refused.json()["code"]) == (409, "no-place-free")
    assert await at(world, one, other) == [shelter.service_id, None]
