"""Needs that are offered in the transaction that records them, and what each condition leaves to the router.

Each test of a condition was seen to fail without it; the docstring names what was taken out.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from libs.events.codes import Urgency
from tests.service.referral import making
from tests.service.referral.conftest import NewWorld
from tests.service.referral.consuming import arriving, reception, statuses
from tests.service.referral.making import LONG_AGO
from tests.service.referral.world import World

NORMAL: dict[str, Any] = {"urgency": Urgency.NORMAL}


async def test_an_urgent_need_is_offered_in_the_transaction_that_records_it_with_the_record_of_a_round(world: World):
    shelter = await world.provider(places=1)
    one = await (await reception(world)).receives({})
    assert await statuses(world, one) == {"shelter": "offered"}
    assert (await world.pool(shelter))["held"] == 1
    steps = await world.rows("SELECT step, actor FROM step WHERE returnee_id = $1 ORDER BY step_id", one)
    assert [(row["step"], row["actor"]) for row in steps] == [
        ("need.report", "registration"),
        ("referral.open", "registration"),
        ("referral.offer", "router"),
        ("offer.make", "router"),
    ]
    assert (await world.types())[-2:] == ["referral.opened.v1", "offer.made.v1"]
    clocks = await world.rows("SELECT kind FROM timer WHERE returnee_id = $1 ORDER BY kind", one)
    assert [row["kind"] for row in clocks] == ["offer_expiry", "offer_reminder"]
    assert await world.round() == 0
    assert await world.promises() == {}


async def test_a_process_whose_router_does_not_lead_leaves_all_to_the_router(world: World):
    """Taken out: `leads` in `Router.place_at_once`."""
    await world.provider()
    one = await (await reception(world, leads=False)).receives({})
    assert await statuses(world, one) == {"shelter": "seeking"}
    assert await world.round() == 1


async def test_a_service_that_accepts_by_itself_does_so_at_once(world: World):
    bus = await world.provider(places=2, accepts_automatically=True, category="transport")
    one = await (await reception(world)).receives({"category": "transport"})
    assert await statuses(world, one) == {"transport": "accepted"}
    assert ((await world.pool(bus))["held"], (await world.pool(bus))["taken"]) == (0, 1)
    assert await world.promises() == {}


async def test_a_review_comes_first_and_keeps_no_other_need_waiting(new_world: NewWorld):
    """Taken out: `_is_ready` with `review_reason` in `decide_offer` (the need in review has an offer)."""
    async with new_world(categories={"mhpss": {"review": True}}) as world:
        for category in ("shelter", "mhpss", "gbv"):
            await world.provider(category=category, restricted=category == "gbv")
        needs = [{"category": one} for one in ("shelter", "mhpss", "gbv")]
        one = await (await reception(world)).receives(*needs)
        found = await statuses(world, one)
        assert found == {"shelter": "offered", "mhpss": "awaiting_review", "gbv": "awaiting_review"}


async def test_a_need_with_a_prerequisite_waits_for_it(world: World):
    """Taken out: `_is_ready`."""
    for category in ("documents", "training"):
        await world.provider(category=category)
    first = uuid4()
    needs = [{"category": "documents", "need_id": first}, {"category": "training", "after_need_id": first}]
    one = await (await reception(world)).receives(*needs)
    assert await statuses(world, one) == {"documents": "offered", "training": "blocked"}


async def test_needs_of_households_and_of_their_members_meet_in_a_round(world: World):
    """Taken out: the households in `_opened` (the food is offered at once)."""
    for category in ("shelter", "food"):
        await world.provider(category=category)
    key, members, gate = uuid4(), [uuid4(), uuid4()], await reception(world)
    for member in members:
        await gate.tells(*arriving(member, [], household_id=key))
    await world.hear(making.household(key, members))
    await gate.tells(making.need(members[0], category="food"))
    await gate.tells(making.need(members[1], household_id=key, people_count=2))
    assert await statuses(world, members[0]) == {"food": "seeking"}
    assert await statuses(world, members[1]) == {"shelter": "seeking"}
    assert await world.round() == 2


async def test_a_flights_ordinary_needs_wait_for_it_and_its_urgent_needs_do_not(world: World):
    """Taken out: `_goes_with_flight` in `_opened`."""
    for category in ("shelter", "food"):
        await world.provider(category=category)
    batch = uuid4()
    needs = [{"arrival_batch_id": batch}, {"category": "food", "arrival_batch_id": batch, **NORMAL}]
    one = await (await reception(world)).receives(*needs, arrival_batch_id=batch)
    assert await statuses(world, one) == {"shelter": "offered", "food": "seeking"}
    assert await world.round() == 0


async def test_an_ordinary_need_of_a_flight_that_may_be_complete_keeps_the_persons_urgent_needs_for_the_round(
    world: World,
):
    """The round decides about both with the same facts. Taken out: `may_be_open` (the urgent need goes first)."""
    for category in ("shelter", "food"):
        await world.provider(category=category)
    batch = uuid4()
    gate = await reception(world)
    await world.person({"arrival_batch_id": batch, "category": "transport", **NORMAL}, arrival_batch_id=batch)
    await world.pass_time(seconds=601)
    needs = [{"arrival_batch_id": batch}, {"category": "food", "arrival_batch_id": batch, **NORMAL}]
    one = await gate.receives(*needs, arrival_batch_id=batch)
    assert await statuses(world, one) == {"shelter": "seeking", "food": "seeking"}
    assert await world.round() == 2


async def test_whoever_comes_while_somebody_queues_for_a_free_place_is_left_to_the_round(world: World):
    """A household of four waits where two places are free. Taken out: `queued_for`."""
    await world.provider(places=2)
    await world.provider(places=4, place="GT13", eligibility={"minimum_age": 20})
    gate = await reception(world)
    await world.provider(places=4, available=2, place="GT12")
    await world.family(4)
    await world.round()
    assert len((await world.ask("waitlists"))["items"]) == 1
    one = await gate.receives({})
    assert await statuses(world, one) == {"shelter": "seeking"}


async def test_an_ordinary_need_that_is_paced_is_left_to_the_round_and_an_urgent_one_is_not(new_world: NewWorld):
    """Taken out: `pace.later` in `decide_offer`."""
    async with new_world(pacing={"offers_per_service": 1, "per_seconds": 60}) as world:
        await world.provider()
        gate = await reception(world)
        first, second = await gate.receives(NORMAL), await gate.receives(NORMAL)
        assert await statuses(world, first) == {"shelter": "offered"}
        assert await statuses(world, second) == {"shelter": "seeking"}
        assert await world.round() == 0
        urgent = await gate.receives({})
        assert await statuses(world, urgent) == {"shelter": "offered"}
        assert (await world.referral_of(second))["ready_at"] > (await world.database_now())


@pytest.mark.parametrize(("places", "expected"), [(3, "seeking"), (4, "offered")])
async def test_an_ordinary_need_takes_no_place_at_once_that_a_waiting_flight_could_need(
    world: World, places: int, expected: str
):
    """Taken out: `leaves_enough` in `decide_offer` (also of three places it gets one at once)."""
    await world.provider(places=places)
    batch, gate = uuid4(), await reception(world)
    for _ in range(3):
        await gate.receives({"arrival_batch_id": batch, **NORMAL}, arrival_batch_id=batch)
    one = await gate.receives(NORMAL)
    assert await statuses(world, one) == {"shelter": expected}
    assert await world.round() == (1 if expected == "seeking" else 0)


async def test_people_of_the_same_batch_who_wait_for_their_flight_count_too(world: World):
    """Taken out: `people_waiting`."""
    await world.provider(places=1)
    batch, flying, walking, gate = uuid4(), uuid4(), uuid4(), await reception(world)
    await gate.tells(
        *arriving(flying, [{"arrival_batch_id": batch, **NORMAL}], arrival_batch_id=batch),
        *arriving(walking, [NORMAL]),
    )
    assert await statuses(world, walking) == {"shelter": "seeking"}


async def test_whoever_comes_after_one_that_must_wait_in_the_same_category_waits_too(world: World):
    """The first one finds too few places where it would go; in a round it is first. Taken out: `leave` in `_plans`."""
    await world.provider(places=4)
    await world.provider(places=3, place="GT13")
    batch, first, second, gate = uuid4(), uuid4(), uuid4(), await reception(world)
    for _ in range(3):
        await gate.receives({"arrival_batch_id": batch, **NORMAL}, arrival_batch_id=batch)
    await gate.tells(
        *arriving(first, [{**NORMAL, "reported_at": LONG_AGO}], reception_place="GT13"),
        *arriving(second, [NORMAL]),
    )
    assert await statuses(world, first) == {"shelter": "seeking"}
    assert await statuses(world, second) == {"shelter": "seeking"}


async def test_without_consent_a_need_that_requires_it_is_left_with_the_others_of_the_person(
    new_world: NewWorld, caplog: pytest.LogCaptureFixture
):
    """A round decides about the needs of a person with the same facts. Taken out: `chosen is None` in `decide_offer`
    (the batch fails and is handled again), `spread` in `leave` (the bed is offered at once)."""
    async with new_world(categories={"mhpss": {"basic": False}}) as world:
        for category in ("shelter", "mhpss"):
            await world.provider(category=category)
        one = await (await reception(world)).receives({}, {"category": "mhpss"}, consented=False)
        assert await statuses(world, one) == {"shelter": "seeking", "mhpss": "seeking"}
        assert "consumer.batch_failed" not in caplog.text
        assert await world.round() == 1
        assert await statuses(world, one) == {"shelter": "offered", "mhpss": "seeking"}


@pytest.mark.parametrize("before", [True, False])
async def test_with_others_ready_in_the_category_all_are_left_to_the_round_also_those_before_them(
    world: World, before: bool
):
    """Whoever is behind is decided in the same round. Taken out: `_of` in `place`."""
    await world.provider(places=1)
    gate = await reception(world)
    world.router.leads = False
    other = await gate.receives({"reported_at": datetime.now(UTC) + timedelta(hours=-1 if before else 1)})
    world.router.leads = True
    one = await gate.receives({})
    assert await statuses(world, one) == {"shelter": "seeking"}
    assert await world.round() == 1
    assert await statuses(world, other) == {"shelter": "offered" if before else "waitlisted"}


async def test_a_person_of_whom_another_need_is_ready_is_left_to_the_round(world: World):
    """Taken out: `again` in `_of`."""
    for category in ("shelter", "food"):
        await world.provider(category=category)
    gate = await reception(world)
    world.router.leads = False
    one = await gate.receives({"category": "food"})
    world.router.leads = True
    await gate.tells(making.need(one))
    assert await statuses(world, one) == {"shelter": "seeking", "food": "seeking"}


async def test_one_that_waits_for_a_change_of_supply_is_looked_at_by_the_round_first(world: World):
    """It waits where nothing was free, and the provider has declared more. Taken out: `_OTHERS_WOKEN`, with
    `queued_for`."""
    shelter = await world.provider(places=0)
    gate = await reception(world)
    waiting = await gate.receives({})
    await world.round()
    await world.declare(shelter, 1)
    one = await gate.receives({})
    assert await statuses(world, one) == {"shelter": "seeking"}
    await world.round()
    assert (await statuses(world, waiting), await statuses(world, one)) == (
        {"shelter": "offered"},
        {"shelter": "waitlisted"},
    )
