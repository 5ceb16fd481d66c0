"""Referral routes a category that the pack adds; one that the pack lacks goes to a desk, and stops nothing."""

from __future__ import annotations

from uuid import uuid4

import pytest

from libs.events.catalogue.directory import Accreditation, Agreement
from services.referral.pack.policy import load_policy
from tests.added_category import ADDED, pack_with_childcare
from tests.service.referral import making
from tests.service.referral.world import World
from tests.unit.referral.making_facts import a_policy

LATER = "later_category"
RESTRICTED_DESK = {
    "categories": {"gbv": {"lead_desk": "restricted-desk"}, "anti_trafficking": {"lead_desk": "restricted-desk"}}
}


async def a_provider_of(world: World, category: str, *, service_type: str = "nursery"):
    one = await world.provider(category=category, service_type=service_type)
    valid = {"category": category, "valid_until": making.FAR_AWAY}
    await world.hear(
        making.organization(
            one.organization_id, version=2, accreditations=[Accreditation(**valid)], agreements=[Agreement(**valid)]
        )
    )
    return one


async def test_a_need_of_an_added_category_is_offered_to_a_service_of_it(new_world, tmp_path):
    policy = load_policy(pack_with_childcare(tmp_path))
    async with new_world(policy=policy) as world:
        one = await a_provider_of(world, ADDED)
        person = await world.person({"category": ADDED})
        await world.round()
        offer = await world.offer_of(person)
        assert (offer["provider_service_id"], offer["category"]) == (one.service_id, ADDED)
        assert (await world.need_of(person))["restricted"] is False
        assert await world.promises() == {}


async def test_a_need_of_a_category_that_the_pack_lacks_goes_to_a_desk_and_the_others_are_routed(new_world):
    """Taken out: `RoutingPolicy.category`, and the reason `unknown_category` of reviews."""
    async with new_world(**RESTRICTED_DESK) as world:
        await world.provider()
        await a_provider_of(world, LATER)
        person, other = uuid4(), uuid4()
        await world.hear(making.registered(person), making.consent(person), making.registered(other))
        await world.hear_together(making.need(person, category=LATER), making.need(other))
        await world.round()
        assert (await world.offer_of(other))["category"] == "shelter"
        need = await world.need_of(person)
        assert (need["owner"], need["owner_reason"], need["restricted"]) == ("restricted-desk", "review_required", True)
        reviews = await world.rows("SELECT reason, desk, restricted, status FROM review")
        assert reviews == [
            {"reason": "unknown_category", "desk": "restricted-desk", "restricted": True, "status": "pending"}
        ]
        assert await world.rows("SELECT * FROM offer WHERE category = $1", LATER) == []
        assert await world.promises() == {}


async def test_once_the_pack_knows_it_an_approved_need_is_routed_as_the_pack_says(new_world):
    """Taken out: what `approve` does about the mark. Then the offer is restricted, and its provider does not see it."""
    async with new_world(**RESTRICTED_DESK) as world:
        one = await a_provider_of(world, LATER)
        person = await world.person({"category": LATER})
        newer = a_policy()
        world.policy.categories[LATER] = newer.categories["food"]
        world.policy.taxonomy.categories[LATER] = newer.taxonomy.categories["food"]
        (review,) = await world.rows("SELECT review_id FROM review")
        answer = await world.client.post(
            f"/v1/reviews/{review['review_id']}/approve",
            json={"note": "The pack has it now."},
            headers=world.staff(restricted=True),
        )
        assert answer.status_code == 200, answer.text
        await world.round()
        offer = await world.offer_of(person)
        assert (offer["provider_service_id"], offer["restricted"]) == (one.service_id, False)
        assert (await world.need_of(person))["restricted"] is False


@pytest.mark.parametrize(
    "path", ["waitlists", "waitlists/count", "work-lists/overdue", "reviews", "work-lists/unmet/summary"]
)
async def test_a_list_of_a_category_that_the_pack_lacks_is_refused(world, path):
    """Taken out: the check of `OfCategory`."""
    answer = await world.client.get(f"/v1/{path}?category=sheltr", headers=world.staff())
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["rule"]) == ("category", "unknown-category")
    assert "shelter" in error["detail"]
    assert (await world.client.get(f"/v1/{path}?category=shelter", headers=world.staff())).status_code == 200
