"""A household is placed as one: together or not at all, once all of it is known, and by the word of every member."""

from uuid import uuid4

import pytest

from libs.chassis.database import raw
from tests.service.referral import making
from tests.service.referral.world import World


async def test_a_household_is_placed_together_or_not_at_all(world: World):
    small = await world.provider(places=3)
    _, members = await world.family(4)
    assert await world.round() == 0
    assert (await world.referral_of(members[0]))["status"] == "waitlisted"
    assert (await world.pool(small))["held"] == 0
    large = await world.provider(places=4, place="GT13")
    assert await world.round() == 1
    assert (await world.pool(large))["held"] == 4
    assert await world.promises() == {}


async def test_a_households_need_waits_for_every_member_and_their_word_on_consent(world: World):
    await world.provider()
    key, members = await world.family(2, expected=3)
    assert await world.round() == 0
    third = uuid4()
    await world.hear(making.registered(third, household_id=key))
    await world.hear(making.household(key, [*members, third], version=2))
    assert await world.round() == 0
    await world.hear(making.consent(third, to_providers=False))
    assert await world.round() == 1


@pytest.mark.parametrize("place", [0, 1])
async def test_what_needs_consent_is_offered_for_a_household_only_if_every_member_gave_it(new_world, place: int):
    """With the consent of the reference person alone the household of the one who said no is offered. Without the
    household in `intake.actions.wake` it sleeps on when the member has said yes."""
    async with new_world(categories={"shelter": {"basic": False}}) as world:
        await world.provider()
        _, members = await world.family(2)
        await world.hear(making.consent(members[place], to_providers=False, version=2))
        assert await world.round() == 0
        assert (await world.need_of(members[0]))["owner"] == "lead"
        await world.hear(making.consent(members[place], version=3))
        assert await world.round() == 1
        assert await world.promises() == {}


async def test_a_household_that_stays_incomplete_gets_an_owner(world: World):
    _, members = await world.family(2, expected=3)
    await world.pass_time(seconds=601)
    need = await world.need_of(members[0])
    assert (need["owner"], need["owner_reason"]) == ("lead", "routing_overdue")
    assert await world.promises() == {}


async def test_a_household_with_more_members_than_were_expected_gets_an_owner_while_one_of_them_is_unknown(
    world: World,
):
    """The router waits for every member, so the clock must too. Seen to fail while the clock counted known members: two
    of three were enough, nothing was offered, and nobody owned the need."""
    await world.provider()
    key, members = await world.family(2)
    await world.hear(making.household(key, [*members, uuid4()], version=2, expected_size=2))
    assert await world.round() == 0
    await world.pass_time(seconds=601)
    need = await world.need_of(members[0])
    assert (need["owner"], need["owner_reason"]) == ("lead", "routing_overdue")
    assert await world.promises() == {}


async def test_a_household_waits_while_somebody_holds_a_members_journey(world: World):
    await world.provider()
    _, members = await world.family(3)
    async with world.database.transaction() as session:
        await (await raw(session)).execute("SELECT 1 FROM journey WHERE returnee_id = $1 FOR UPDATE", members[2])
        assert await world.round() == 0
    assert await world.round() == 1
