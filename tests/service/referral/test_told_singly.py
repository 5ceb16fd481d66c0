"""The members of a household tell needs of one kind, each for themselves: they go to one service."""

from uuid import uuid4

import pytest
import pytest_asyncio

from libs.events.catalogue.directory import PoolDeclared
from libs.events.catalogue.registration import ReturneeChanged
from libs.events.codes import AgeBand
from libs.events.detail_values import ToldDetail
from tests.service.referral import making
from tests.service.referral.kinds import TAXONOMY, asked, gives
from tests.service.referral.world import World

TRANSPORT = {"category": "transport", "kind": "department_transport"}
BUS = gives("department_transport")


@pytest_asyncio.fixture
async def world(new_world):
    async with new_world(taxonomy=TAXONOMY) as one:
        yield one


async def a_family(world: World, size: int = 3, *, stay_together: bool = True):
    """The members of a household of which nobody has told a need, an adult first and then children."""
    key, members = uuid4(), [uuid4() for _ in range(size)]
    for place, member in enumerate(members):
        age = AgeBand.FROM_25_TO_34 if place == 0 else AgeBand.FROM_5_TO_11
        await world.hear(making.registered(member, household_id=key, age_band=age), making.consent(member))
    await world.hear(making.household(key, members, stay_together=stay_together))
    return key, members


async def tell(world: World, *members, **need):
    await world.hear(*[making.need(member, **{**TRANSPORT, **need}) for member in members])


async def services_of(world: World, members):
    return [await asked(world, member) for member in members]


async def test_the_three_travel_with_one_carrier(world: World):
    """Without the groups, the nearer carrier takes two of them and the other one takes the child."""
    await world.provider(2, category="transport", kinds=BUS)
    coach = await world.provider(3, category="transport", kinds=BUS, place="GT13")
    _, members = await a_family(world)
    await tell(world, *members)
    assert await world.round() == 3
    assert await services_of(world, members) == [coach.service_id] * 3
    assert (await world.pool(coach))["held"] == 3
    assert await world.promises() == {}


async def test_who_does_not_want_to_stay_together_is_placed_alone(world: World):
    small = await world.provider(2, category="transport", kinds=BUS)
    coach = await world.provider(3, category="transport", kinds=BUS, place="GT13")
    _, members = await a_family(world, stay_together=False)
    await tell(world, *members)
    await world.round()
    assert set(await services_of(world, members)) == {small.service_id, coach.service_id}


async def test_other_people_are_not_kept_together(world: World):
    small = await world.provider(2, category="transport", kinds=BUS)
    coach = await world.provider(3, category="transport", kinds=BUS, place="GT13")
    people = [await world.person(TRANSPORT) for _ in range(3)]
    await world.round()
    assert set(await services_of(world, people)) == {small.service_id, coach.service_id}


async def test_who_tells_it_later_goes_where_the_others_go(world: World):
    """Without the interlock the child is offered the other carrier."""
    coach = await world.provider(3, category="transport", kinds=BUS, place="GT13")
    _, members = await a_family(world)
    await tell(world, *members[:2])
    assert await world.round() == 2
    near = await world.provider(5, category="transport", kinds=BUS)
    await tell(world, members[2])
    assert await world.round() == 1
    assert await asked(world, members[2]) == coach.service_id
    offer = await world.offer_of(members[2])
    why = await world.ask(f"offers/{offer['offer_id']}/explanation")
    assert why["excluded"] == [{"provider_service_id": str(near.service_id), "reasons": ["household_elsewhere"]}]


async def test_needs_with_other_details_go_to_the_same_carrier_too(world: World):
    """They are not one need, but of one round. Without `leads`, the second is offered the other carrier."""
    near = await world.provider(1, category="transport", kinds=BUS)
    coach = await world.provider(4, category="transport", kinds=BUS, place="GT13")
    _, members = await a_family(world)
    await tell(world, *members[:2], detail_values=[ToldDetail(detail="seats", value=1)])
    await tell(world, members[2], detail_values=[ToldDetail(detail="seats", value=2)])
    await world.round()
    await world.round()
    asked_for = [one for one in await services_of(world, members) if one is not None]
    assert len(set(asked_for)) == 1, (near.service_id, coach.service_id)
    assert len(asked_for) == 3 or (await world.referral_of(members[2]))["status"] != "offered"
    assert await world.promises() == {}


async def test_who_tells_it_later_waits_for_a_place_with_the_others(world: World):
    coach = await world.provider(2, category="transport", kinds=BUS)
    _, members = await a_family(world)
    await tell(world, *members[:2])
    assert await world.round() == 2
    await world.provider(5, category="transport", kinds=BUS)
    await tell(world, members[2])
    assert await world.round() == 0
    assert (await world.referral_of(members[2]))["status"] == "waitlisted"
    await world.declare(coach, 3)
    assert await world.round() == 1
    assert await asked(world, members[2]) == coach.service_id
    assert await world.promises() == {}


async def test_no_carrier_for_all_means_a_queue_for_all(world: World):
    await world.provider(2, category="transport", kinds=BUS)
    coach = await world.provider(4, available=1, category="transport", kinds=BUS)
    _, members = await a_family(world)
    await tell(world, *members)
    assert await world.round() == 0
    assert [(await world.referral_of(one))["status"] for one in members] == ["waitlisted"] * 3
    stranger = await world.person(TRANSPORT)
    await world.round()
    assert await asked(world, stranger) != coach.service_id, "its places are kept for the household"
    await world.declare(coach, 4)
    assert await world.round() == 3
    assert await services_of(world, members) == [coach.service_id] * 3
    assert await world.promises() == {}


async def test_a_carrier_keeps_its_places_for_the_whole_household(world: World):
    """If each of the three kept a place for themselves, a pool would be kept for one only."""
    coach = await world.provider(4, available=2, category="transport", kinds=BUS)
    _, members = await a_family(world)
    await tell(world, *members)
    assert await world.round() == 0
    stranger = await world.person(TRANSPORT)
    assert await world.round() == 0
    await world.declare(coach, 3)
    assert await world.round() == 3
    assert await services_of(world, members) == [coach.service_id] * 3
    assert await asked(world, stranger) is None


async def test_who_is_declined_goes_to_a_desk_and_not_to_another_carrier(world: World):
    coach = await world.provider(3, category="transport", kinds=BUS)
    _, members = await a_family(world)
    await tell(world, *members)
    await world.round()
    other = await world.provider(3, category="transport", kinds=BUS)
    offer = await world.offer_of(members[2])
    no = await world.step(
        f"offers/{offer['offer_id']}/decline", {"reason": "not_our_area"}, headers=world.partner(coach)
    )
    assert no.status_code == 200, no.text
    await world.round()
    assert await asked(world, members[2]) is None
    assert (await world.need_of(members[2]))["owner"] is not None
    referral = (await world.referral_of(members[2]))["referral_id"]
    told = {"provider_service_id": str(other.service_id), "reason": "There is a seat"}
    answer = await world.step(f"referrals/{referral}/override", told)
    assert (answer.status_code, answer.json()["reasons"]) == (409, ["household_elsewhere"])


async def test_a_bed_told_singly_comes_when_the_last_of_them_has_told_it(world: World):
    """A household is never split in shelter: one who tells it alone is not placed. Without `others_of`, the first stays
    with the desk when the household is complete."""
    shelter = await world.provider(3)
    key, members = await a_family(world)
    bed = {"category": "shelter", "kind": None}
    await tell(world, members[0], **bed)
    assert await world.round() == 0
    assert (await world.need_of(members[0]))["owner"] == "lead"
    await tell(world, *members[1:], **bed)
    assert await world.round() == 3
    assert await services_of(world, members) == [shelter.service_id] * 3
    profile = making.registered(members[2], household_id=key, age_band=AgeBand.FROM_5_TO_11)
    await world.hear(ReturneeChanged.model_validate(profile.model_dump() | {"version": 2}))
    assert await services_of(world, members) == [shelter.service_id] * 3, "and no evaluation recalls them"
    assert await world.promises() == {}


async def test_the_end_of_one_stay_does_not_halt_the_others(world: World):
    """Without `people_ever`, the household looks incomplete as soon as one need is met."""
    shelter = await world.provider(3)
    key, members = await a_family(world)
    await tell(world, *members, category="shelter", kind=None)
    await world.round()
    for member in members:
        offer, partner = await world.offer_of(member), world.partner(shelter)
        await world.step(f"offers/{offer['offer_id']}/accept", headers=partner)
        started = await world.step(f"referrals/{offer['referral_id']}/start", headers=partner)
        assert started.status_code == 200, started.text
    first = (await world.referral_of(members[0]))["referral_id"]
    done = await world.step(f"referrals/{first}/complete", {"outcome": "need_met"}, headers=world.partner(shelter))
    assert done.status_code == 200, done.text
    profile = making.registered(members[2], household_id=key, age_band=AgeBand.FROM_5_TO_11)
    await world.hear(ReturneeChanged.model_validate(profile.model_dump() | {"version": 2}))
    row = await world.referral_of(members[2])
    assert (row["status"], row["halted_since"]) == ("in_service", None)
    assert await world.promises() == {}


@pytest.mark.parametrize("kinds", [("adult_beds", "child_beds"), ("beds", "child_beds"), ("adult_beds", "beds")])
async def test_adults_and_children_get_places_of_their_pools(world: World, kinds):
    shelter, children = await world.provider(1, kind=kinds[0]), uuid4()
    besides = [PoolDeclared(pool_id=children, kind=kinds[1], maximum=2, available=2, starts_on=None, ends_on=None)]
    await world.declare(shelter, 1, kind=kinds[0], besides=besides)
    _, members = await a_family(world)
    await tell(world, *members, category="shelter", kind=None)
    assert await world.round() == 3
    rows = await world.rows("SELECT pool_id, sum(place_count) AS places FROM place_hold GROUP BY pool_id")
    assert {row["pool_id"]: row["places"] for row in rows} == {shelter.pool_id: 1, children: 2}
