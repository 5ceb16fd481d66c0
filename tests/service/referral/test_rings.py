"""The search widens ring by ring, then the queue, then a named owner (customer's words: next ring, then waitlist)."""

from typing import Any

from services.referral.pack.routing import Weights
from tests.service.referral.world import Provider, World

RINGS: dict[str, Any] = {"shelter": {"rings_km": [50, 150]}}
"""From GT01 a service there lies in ring 0, GT12 (146 km) in ring 1."""
FAR = "GT17"
PLACES = {
    "GT01": {"name": "Guatemala", "latitude": 14.6, "longitude": -90.5},
    "GT12": {"name": "San Marcos", "latitude": 14.96, "longitude": -91.8},
    FAR: {"name": "Petén", "latitude": 16.8, "longitude": -90.1},
}

WEIGHTS = dict.fromkeys(Weights.model_fields, 0.0) | {"free_places": 1.0}


async def decline(world: World, returnee: Any, one: Provider) -> None:
    offer = await world.offer_of(returnee)
    assert offer["provider_service_id"] == one.service_id
    path = f"offers/{offer['offer_id']}/decline"
    answer = await world.step(path, {"reason": "other", "note": "too far"}, headers=world.partner(one))
    assert answer.status_code == 200


async def test_nobody_farther_is_asked_while_somebody_near_may_be_and_then_ring_by_ring_to_an_owner(new_world):
    """The far ones have more places: the score alone would take them, as it did when `_widen` was taken out."""
    async with new_world(
        categories=RINGS, places=PLACES, weights=dict.fromkeys(WEIGHTS, 0) | {"free_places": 1}
    ) as world:
        far = await world.provider(places=100, place=FAR)
        middle = await world.provider(places=100, place="GT12")
        near = await world.provider(places=2, available=1)
        returnee = await world.person({})
        for ring, one in enumerate((near, middle, far)):
            assert await world.round() == 1
            assert (await world.referral_of(returnee))["ring"] == ring
            why = await world.ask(f"offers/{(await world.offer_of(returnee))['offer_id']}/explanation")
            assert why["ring"] == ring
            reasons = [code for left_out in why["excluded"] for code in left_out["reasons"]]
            assert reasons.count("beyond_ring") == 2 - ring
            await decline(world, returnee, one)
        assert await world.round() == 0
        steps = await world.rows("SELECT reason FROM step WHERE step = 'referral.widen' ORDER BY step_id")
        assert [one["reason"] for one in steps] == ["ring_1", "ring_2"]
        assert (await world.need_of(returnee))["owner_reason"] == "candidates_spent"
        assert await world.promises() == {}


async def test_after_the_last_ring_only_a_missing_place_means_the_queue(new_world):
    async with new_world(categories=RINGS, places=PLACES) as world:
        await world.provider(places=0, place=FAR)
        await world.provider(places=0)
        returnee = await world.person({})
        await world.round()
        referral = await world.referral_of(returnee)
        assert (referral["status"], referral["ring"]) == ("waitlisted", 2)


async def test_a_near_service_that_is_full_sends_the_search_on_at_once(new_world):
    async with new_world(categories=RINGS, places=PLACES) as world:
        await world.provider(places=0)
        far = await world.provider(place=FAR)
        returnee = await world.person({})
        assert await world.round() == 1
        assert (await world.offer_of(returnee))["provider_service_id"] == far.service_id
