"""Offers at once beside rounds, answers and errors: no waiting, no deadlock, no double place, no parked event.

Each test was seen to fail without its guard; the docstring names what was taken out.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.chassis.database import raw
from libs.events.catalogue.registration import NeedWithdrawn
from libs.waiting.pauses import is_set_within
from services.referral.candidates.facts import Need
from services.referral.candidates.interlocks import ReviewReason, review_reason
from services.referral.pack.policy import RoutingPolicy
from services.referral.router import loop
from services.referral.router.actions import at_once, deciding, rounds
from tests.service.referral.consuming import arriving, reception, statuses
from tests.service.referral.world import Provider, World


async def test_a_pool_that_another_transaction_uses_is_not_waited_for(world: World):
    """Taken out: `waits=False` (the batch waits until the statement is cancelled)."""
    shelter = await world.provider()
    gate = await reception(world)
    async with world.database.transaction() as session:
        await (await raw(session)).execute("SELECT 1 FROM pool WHERE pool_id = $1 FOR UPDATE", shelter.pool_id)
        one = await asyncio.wait_for(gate.receives({}), 300)
    assert await statuses(world, one) == {"shelter": "seeking"}
    assert await world.round() == 1


async def test_while_a_round_runs_nothing_is_placed_beside_it(world: World):
    """Taken out: `may_place`."""
    await world.provider()
    gate = await reception(world)
    async with world.database.transaction() as session:
        await rounds.place_referrals(session, world.policy, rounds.Memory())
        one = await asyncio.wait_for(gate.receives({}), 300)
    assert await statuses(world, one) == {"shelter": "seeking"}
    assert await world.round() == 1


async def test_a_batch_that_comes_during_a_round_of_its_own_process_waits_for_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Taken out: the wait for `_between_rounds` in `place_at_once` (the need is left to the next round)."""
    await world.provider()
    gate = await reception(world)
    begun, may_end, place = asyncio.Event(), asyncio.Event(), rounds.place_referrals

    async def slow(*given: Any) -> rounds.Round:
        result = await place(*given)
        begun.set()
        await asyncio.wait_for(may_end.wait(), 300)
        return result

    async def waited(event: asyncio.Event, _: float) -> bool:
        may_end.set()
        return await is_set_within(event, 60)

    monkeypatch.setattr(rounds, "place_referrals", slow)
    monkeypatch.setattr(loop, "is_set_within", waited)
    running = asyncio.create_task(world.router.place_once())
    await asyncio.wait_for(begun.wait(), 300)
    one = await gate.receives({})
    may_end.set()
    await running
    assert await statuses(world, one) == {"shelter": "offered"}


async def test_many_needs_in_one_batch_are_left_to_the_round(world: World, monkeypatch: pytest.MonkeyPatch):
    """Taken out: `AT_ONCE_MAX` in `place`."""
    monkeypatch.setattr(at_once, "AT_ONCE_MAX", 2)
    await world.provider()
    people, gate = [uuid4() for _ in range(3)], await reception(world)
    await gate.tells(*[event for one in people for event in arriving(one, [{}])])
    assert [await statuses(world, one) for one in people] == [{"shelter": "seeking"}] * 3
    assert await world.round() == 3


async def test_nothing_is_placed_before_other_events_of_the_batch(world: World):
    """Taken out: `_needs_last` (the withdrawn need was offered and recalled)."""
    await world.provider()
    gate, returnee = await reception(world), uuid4()
    told = arriving(returnee, [{}])
    withdrawn = NeedWithdrawn(returnee_id=returnee, need_id=told[-1].need_id, withdrawn_at=datetime.now(UTC))  # type: ignore[attr-defined]
    await gate.tells(*told, withdrawn)
    assert await world.rows("SELECT 1 FROM offer") == []
    assert await world.types() == ["referral.opened.v1", "need.refused.v1", "referral.cancelled.v1"]


async def test_an_error_in_placing_parks_no_event_and_leaves_the_need_to_the_router(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Taken out: `in_nested_transaction` (the need is parked)."""
    await world.provider()
    gate = await reception(world)

    def trip(*_: object) -> None:
        raise LookupError

    with monkeypatch.context() as broken:
        broken.setattr(rounds, "make_offers", trip)
        one = await gate.receives({})
    assert await world.rows("SELECT 1 FROM parked") == []
    assert await statuses(world, one) == {"shelter": "seeking"}
    assert await world.round() == 1
    assert await world.promises() == {}


async def test_a_need_at_which_the_rules_fail_is_left_and_the_others_of_the_batch_are_placed(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Taken out: `try` in `decide_offer` (nobody of the batch is placed)."""
    for category in ("shelter", "food"):
        await world.provider(category=category)
    gate = await reception(world)
    odd, plain = uuid4(), uuid4()

    def reason(need: Need, policy: RoutingPolicy) -> ReviewReason | None:
        if need.category == "food":
            raise LookupError
        return review_reason(need, policy)

    with monkeypatch.context() as broken:
        broken.setattr(deciding, "review_reason", reason)
        await gate.tells(*arriving(odd, [{"category": "food"}]), *arriving(plain, [{}]))
    assert await statuses(world, odd) == {"food": "seeking"}
    assert await statuses(world, plain) == {"shelter": "offered"}


async def test_the_last_places_are_given_once_whoever_takes_them_at_the_same_time(world: World):
    """People arrive at once, in transactions of their own, beside rounds, answers and declarations; no transaction ends
    with a deadlock. Several guards hold this: it was seen to fail only with the check of free places in `hold`, the
    one in its UPDATE and the advisory locks taken out together (then the constraint of the ledger refuses)."""
    shelters = [await world.provider(places=3), await world.provider(places=4, place="GT13")]
    await reception(world)
    people = [uuid4() for _ in range(16)]

    async def arrive(returnee_id: UUID) -> None:
        await world.hear(*arriving(returnee_id, [{}]))

    async def rounds_beside() -> None:
        for _ in range(6):
            await world.round()

    async def answers() -> None:
        for _ in range(6):
            rows = await world.rows("SELECT offer_id FROM offer WHERE status = 'pending' LIMIT 1")
            for row in rows:
                answer = await world.step(f"offers/{row['offer_id']}/accept")
                assert answer.status_code in (200, 409), answer.text

    async def declares(shelter: Provider, places: int) -> None:
        for _ in range(4):
            await world.declare(shelter, places)

    arrivals: list[Any] = [arrive(one) for one in people]
    beside = [rounds_beside(), answers(), *(declares(one, n) for one, n in zip(shelters, (3, 4), strict=True))]
    await asyncio.gather(*arrivals, *beside)
    await world.round()
    pools = [await world.pool(one) for one in shelters]
    assert [pool["held"] + pool["taken"] for pool in pools] == [3, 4]
    found = [(await world.referral_of(one))["status"] for one in people]
    assert sum(one in ("offered", "accepted") for one in found) == 7
    assert found.count("waitlisted") == 9
    by_router = await world.rows("SELECT 1 FROM step WHERE step = 'offer.make' AND actor = 'router'")
    assert len(by_router) == 7
    assert await world.promises() == {}


async def test_two_arrivals_at_the_same_time_beside_a_round_want_the_last_place_and_one_gets_it(world: World):
    """Again and again: of two at once, and one for the round, exactly one has the place. The last guard is the
    constraint of the ledger."""
    await reception(world)
    for name in ("shelter", "food", "health", "transport", "legal", "training"):
        shelter = await world.provider(places=1, category=name)
        category = {"category": name}
        world.router.leads = False
        waiting = await world.person(category)
        world.router.leads = True
        two = [uuid4(), uuid4()]
        await asyncio.gather(world.round(), *(world.hear(*arriving(one, [category])) for one in two))
        await world.round()
        pool = await world.pool(shelter)
        assert (pool["held"], pool["taken"]) == (1, 0)
        found = [(await world.referral_of(one))["status"] for one in (waiting, *two)]
        assert sorted(found) == ["offered", "waitlisted", "waitlisted"]
    assert await world.promises() == {}
