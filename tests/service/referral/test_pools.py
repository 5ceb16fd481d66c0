"""Pools by kind and by date: a household together in several pools of a service, nobody in a pool of another day."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from libs.events.catalogue.directory import PoolDeclared
from services.referral.places import actions as places
from tests.service.referral.world import Provider, World

TODAY = (datetime.now(UTC) - timedelta(hours=6)).date()
"""In Guatemala, where every service of these tests is."""
DAY = timedelta(days=1)


def pool_of(kind: str, places: int, **changes: object) -> PoolDeclared:
    values = {"pool_id": uuid4(), "starts_on": None, "ends_on": None, "maximum": places, "available": places}
    return PoolDeclared(**{**values, "kind": kind, **changes})


async def shelter_by_age(world: World, *, adults: int, children: int) -> tuple[Provider, PoolDeclared]:
    """A shelter with `adult_beds` and `child_beds`."""
    shelter, beds = await world.provider(places=0), pool_of("child_beds", children)
    await world.declare(shelter, adults, kind="adult_beds", besides=[beds])
    return shelter, beds


async def held_in(world: World, pool_id: object) -> tuple[int, int]:
    row = await world.row("SELECT held, taken FROM pool WHERE pool_id = $1", pool_id)
    return row["held"], row["taken"]


async def test_a_household_is_kept_together_by_one_offer_that_holds_in_two_pools(world: World):
    """Held, taken and released in both pools at once. Seen to fail with `_by_age` giving no pair."""
    shelter, beds = await shelter_by_age(world, adults=4, children=3)
    _, (reference, *_) = await world.family(4)
    assert await world.round() == 1
    offer = await world.offer_of(reference)
    assert (offer["people_count"], offer["pool_id"]) == (4, beds.pool_id)
    assert [await held_in(world, key) for key in (shelter.pool_id, beds.pool_id)] == [(1, 0), (3, 0)]
    await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
    assert [await held_in(world, key) for key in (shelter.pool_id, beds.pool_id)] == [(0, 1), (0, 3)]
    assert await world.promises() == {}
    await world.step(f"referrals/{offer['referral_id']}/not-delivered", {"reason": "provider_unable"})
    assert [await held_in(world, key) for key in (shelter.pool_id, beds.pool_id)] == [(0, 0), (0, 0)]
    assert await world.promises() == {}


async def test_a_household_for_which_one_of_two_pools_is_too_small_holds_nothing(world: World):
    shelter, beds = await shelter_by_age(world, adults=4, children=2)
    _, (reference, *_) = await world.family(4)
    assert await world.round() == 0
    assert (await world.referral_of(reference))["status"] == "waitlisted"
    assert [await held_in(world, key) for key in (shelter.pool_id, beds.pool_id)] == [(0, 0), (0, 0)]


async def test_two_dormitories_of_one_kind_part_no_household(world: World):
    shelter = await world.provider(places=0)
    await world.declare(shelter, 3, besides=[pool_of("beds", 3)])
    _, (reference, *_) = await world.family(4)
    assert await world.round() == 0
    assert (await world.referral_of(reference))["status"] == "waitlisted"


async def test_full_closes_every_pool_of_the_offer(world: World):
    """Seen to fail with only the offer's first pool closed."""
    shelter, beds = await shelter_by_age(world, adults=4, children=6)
    _, (reference, *_) = await world.family(3)
    await world.round()
    offer = await world.offer_of(reference)
    await world.step(f"offers/{offer['offer_id']}/decline", {"reason": "full"}, headers=world.partner(shelter))
    closed = await world.rows("SELECT pool_id FROM pool WHERE closed")
    assert {row["pool_id"] for row in closed} == {shelter.pool_id, beds.pool_id}
    assert await world.round() == 0


async def test_what_one_of_two_pools_cannot_hold_the_other_does_not_hold_either(world: World):
    """And those after it in the same round get theirs. Seen to fail with `hold` granting pool by pool."""
    shelter, beds = await shelter_by_age(world, adults=1, children=3)
    async with world.database.transaction() as session:
        granted = await places.hold(
            session, [{beds.pool_id: 1}, {shelter.pool_id: 1, beds.pool_id: 3}, {shelter.pool_id: 1}]
        )
    assert granted == [True, False, True]
    assert [await held_in(world, key) for key in (shelter.pool_id, beds.pool_id)] == [(1, 0), (1, 0)]


async def test_a_bed_of_another_day_is_no_bed_tonight(world: World):
    """Not yet begun, or over. Seen to fail without `in_time`."""
    soon, over = await world.provider(places=0), await world.provider(places=0)
    await world.declare(soon, 5, starts_on=TODAY + 2 * DAY)
    await world.declare(over, 5, ends_on=TODAY - DAY)
    returnee = await world.person({})
    assert await world.round() == 0
    assert (await world.referral_of(returnee))["status"] == "waitlisted"
    await world.declare(over, 5, starts_on=TODAY - DAY, ends_on=TODAY)
    assert await world.round() == 1


async def test_the_first_day_of_a_pool_wakes_who_waits_for_it(world: World):
    """Nothing is declared on that day. Seen to fail with `_BEGUN` not counted."""
    shelter = await world.provider(places=0)
    await world.declare(shelter, 5, starts_on=TODAY + DAY)
    returnee = await world.person({})
    assert await world.round() == 0
    assert await world.round() == 0
    world.clock.passed += DAY
    assert await world.round() == 1
    assert (await world.offer_of(returnee))["pool_id"] == shelter.pool_id


async def test_a_course_that_is_to_begin_is_held_ahead_where_the_pack_says_so(new_world):
    async with new_world(categories={"training": {"held_ahead": True}}) as world:
        course = await world.provider(places=0, category="training", service_type="course")
        await world.declare(course, 5, starts_on=TODAY + 30 * DAY, ends_on=TODAY + 60 * DAY)
        await world.person({"category": "training"})
        assert await world.round() == 1
        assert await held_in(world, course.pool_id) == (1, 0)
