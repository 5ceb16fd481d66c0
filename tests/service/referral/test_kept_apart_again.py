"""Who must be kept apart may be at one place already: their offers are evaluated again (P8)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from libs.events.catalogue.registration import ReturneeErased, ReturneeMerged, ReturneeUnmerged
from libs.events.codes import AgeBand
from tests.service.referral import making
from tests.service.referral.separating import accept, at, ended, pair, start, write_pair
from tests.service.referral.world import World


async def test_a_pair_that_is_told_later_takes_back_the_offer_that_was_made_later(world: World):
    """Taken out: `judge_again` in `keep_apart`."""
    shelter = await world.provider()
    one = await world.person({})
    await world.round()
    other = await world.person({})
    await world.round()
    await world.hear(pair(one, other))
    assert await at(world, one, other) == [shelter.service_id, None]
    kept = await world.offer_of(other)
    assert (kept["status"], kept["reason"]) == ("recalled", "facts_changed")
    (step,) = await world.rows("SELECT reason, returnee_id FROM step WHERE step = 'referral.judge'")
    assert (step["returnee_id"], step["reason"]) == (other, "facts_changed"), "not where somebody else is"
    assert (await world.pool(shelter))["held"] == 1
    assert await world.round() == 0
    assert await world.promises() == {}


async def test_an_accepted_offer_stands_and_an_open_one_gives_way_whichever_was_first(world: World):
    shelter = await world.provider()
    one = await world.person({})
    await world.round()
    other = await world.person({})
    await world.round()
    await accept(world, other)
    await world.hear(pair(one, other))
    assert await at(world, one, other) == [None, shelter.service_id]
    assert (await world.referral_of(other))["halted_since"] is None


@pytest.mark.parametrize("started", [False, True], ids=["accepted", "begun"])
async def test_of_two_who_are_accepted_at_one_place_the_later_goes_to_the_desk_at_once(world: World, started: bool):
    shelter = await world.provider()
    people = [await world.person({}), await world.person({})]
    await world.round()
    offers = await world.rows("SELECT offer_id, returnee_id FROM offer ORDER BY made_at, offer_id")
    first, second = (row["returnee_id"] for row in offers)
    for one in people:
        await accept(world, one)
        if started:
            await start(world, shelter, one)
    await world.hear(pair(first, second))
    stays, halted = await world.referral_of(first), await world.referral_of(second)
    assert stays["halted_since"] is None
    assert halted["halted_for"] == ["kept_apart"]
    assert halted["status"] == ("in_service" if started else "accepted"), "nobody is put out of a bed"
    need = await world.need_of(second)
    assert (need["owner"], need["owner_reason"]) == ("lead", "facts_changed")
    (told,) = await world.published("offer.halted.v1")
    assert told["reason"] == "facts_changed"
    upheld = await world.step(f"referrals/{halted['referral_id']}/uphold", {"reason": "Muestra: both want it"})
    assert (upheld.status_code, upheld.json()["reasons"]) == (409, ["kept_apart"])
    assert await world.promises() == {}


@pytest.mark.parametrize("earlier_first", [True, False], ids=["earlier-first", "later-first"])
async def test_an_acceptance_judges_again_and_only_one_of_two_is_accepted(world: World, earlier_first: bool):
    """The pair is written without its event, as if both had changed at one moment. Taken out: `apart` in
    `circumstances`."""
    shelter = await world.provider()
    people = [await world.person({}), await world.person({})]
    await world.round()
    offers = await world.rows("SELECT offer_id, returnee_id FROM offer ORDER BY made_at, offer_id")
    first, second = (row["returnee_id"] for row in offers)
    await write_pair(world, *people)
    order = [first, second] if earlier_first else [second, first]
    answers = {one: await accept(world, one) for one in order}
    assert answers[first] == (200, "")
    assert answers[second] == (409, "offer-recalled")
    assert await at(world, first, second) == [shelter.service_id, None]
    assert await world.promises() == {}


async def test_two_acceptances_at_the_same_moment_leave_one(world: World):
    await world.provider()
    people = [await world.person({}), await world.person({})]
    await world.round()
    await write_pair(world, *people)
    answers = await asyncio.gather(*(accept(world, one) for one in people))
    assert sorted(answers) == [(200, ""), (409, "offer-recalled")]
    assert (await at(world, *people)).count(None) == 1


async def test_the_leader_finds_those_who_meet_because_both_changed_at_one_moment(world: World):
    """Taken out: `judge_meeting` in the work between rounds."""
    shelter = await world.provider()
    people = [await world.person({}), await world.person({})]
    await world.round()
    for one in people:
        await accept(world, one)
    await write_pair(world, *people)
    world.router._refreshed_at = float("-inf")
    await world.round()
    halted = [(await world.referral_of(one))["halted_for"] for one in people]
    assert sorted(halted) == [[], ["kept_apart"]]
    assert await at(world, *people) == [shelter.service_id] * 2


async def test_a_member_of_a_household_keeps_all_of_it_away(world: World):
    shelter = await world.provider()
    one = await world.person({})
    await world.round()
    key, members = uuid4(), [uuid4(), uuid4()]
    for member in members:
        await world.hear(making.registered(member, household_id=key), making.consent(member))
    await world.hear(making.household(key, members), pair(one, members[1]))
    await world.hear(making.need(members[0], household_id=key, people_count=2))
    assert await world.round() == 0
    elsewhere = await world.provider()
    assert await world.round() == 1
    assert await at(world, one, members[0]) == [shelter.service_id, elsewhere.service_id]


async def test_who_joins_the_household_of_a_shelter_where_the_other_is_goes_to_the_desk(world: World):
    await world.provider()
    one = await world.person({})
    await world.round()
    await accept(world, one)
    key, members = await world.family(2)
    await world.round()
    await accept(world, members[0])
    joins = uuid4()
    await world.hear(making.registered(joins, household_id=key, age_band=AgeBand.FROM_5_TO_11), making.consent(joins))
    await world.hear(pair(one, joins))
    await world.hear(making.household(key, [*members, joins], version=2, stay_together=False))
    assert (await world.referral_of(members[0]))["halted_for"] == ["kept_apart"]


async def test_all_records_of_a_person_are_kept_apart_and_an_unmerge_ends_it(world: World):
    """Taken out: the way along the merges in `records`; `_look_again` after a merge."""
    shelter = await world.provider()
    one, other, record = await world.person({}), await world.person({}), uuid4()
    await world.round()
    await world.hear(making.registered(record), making.consent(record), pair(one, record))
    assert await at(world, one, other) == [shelter.service_id] * 2
    await world.hear(ReturneeMerged(returnee_id=record, into_returnee_id=other))
    assert (await at(world, one, other)).count(None) == 1
    (away,) = [person for person, place in zip((one, other), await at(world, one, other), strict=True) if place is None]
    assert await world.round() == 0
    await world.hear(ReturneeUnmerged(returnee_id=record, from_returnee_id=other))
    assert await world.round() == 1
    assert await at(world, away) == [shelter.service_id]


async def test_an_end_and_an_erasure_leave_nothing_and_the_other_is_placed(world: World):
    """Taken out: `forget` at the erasure."""
    shelter = await world.provider()
    one, other, third = await world.person({}), await world.person({}), await world.person()
    told = pair(one, other)
    twice = pair(one, other)
    await world.hear(told, twice, pair(third, other))
    assert await world.round() == 1
    (away,) = [person for person, place in zip((one, other), await at(world, one, other), strict=True) if place is None]
    await world.hear(ended(told))
    assert await world.round() == 0, "the other exclusion keeps them apart"
    await world.hear(ended(twice))
    assert await world.round() == 1
    assert await at(world, away) == [shelter.service_id]
    await world.hear(ReturneeErased(returnee_id=third, erased_at=datetime.now(UTC)))
    assert not await world.rows("SELECT FROM kept_apart")
    await world.hear(pair(third, other))
    assert not await world.rows("SELECT FROM kept_apart"), "told late, of a person who is erased"


async def test_nothing_of_it_leaves_referral(world: World):
    """Taken out: the services of others in `Decision.explanation`."""
    shelter, elsewhere = await world.provider(), await world.provider(place="GT13")
    one = await world.person({})
    await world.round()
    (place,) = await at(world, one)
    other = uuid4()
    told = pair(one, other)
    await world.hear(making.registered(other), making.consent(other), told, making.need(other))
    assert await world.round() == 1
    (theirs,) = await at(world, other)
    assert {place, theirs} == {shelter.service_id, elsewhere.service_id}
    offer = await world.offer_of(other)
    explained = await world.ask(f"offers/{offer['offer_id']}/explanation")
    assert str(place) not in str(explained), "where the other one is"
    sent = await world.rows("SELECT type, payload FROM outbox")
    for text in (str(explained), *(row["payload"].decode() for row in sent)):
        assert "kept_apart" not in text
        assert str(told.exclusion_id) not in text
    about_other = [row["payload"].decode() for row in sent if str(other) in row["payload"].decode()]
    assert about_other
    assert not any(str(one) in text for text in about_other)
