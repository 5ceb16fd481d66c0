"""The ledger of places: what is free, what is never exceeded, and what a lowered maximum does."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

from libs.chassis.database import raw
from services.referral.places import actions as places
from services.referral.router.actions import rounds as router
from tests.service.referral.world import World


async def test_no_more_is_held_than_the_provider_declared_available(world: World):
    shelter = await world.provider(places=10, available=2)
    for _ in range(4):
        await world.person({})
    assert await world.round() == 2
    (view,) = (await world.ask("places", provider_service_id=str(shelter.service_id)))["items"]
    assert (view["maximum"], view["available"], view["held"], view["free"]) == (10, 2, 2, 0)


async def test_an_older_declaration_changes_nothing(world: World):
    shelter = await world.provider(places=10)
    await world.declare(shelter, 5)
    shelter.version = 1
    await world.declare(shelter, 8)
    assert (await world.pool(shelter))["maximum"] == 5


async def test_a_lowered_maximum_over_commits_the_pool_and_takes_nothing_new(world: World):
    shelter = await world.provider(places=3)
    for _ in range(3):
        await world.person({})
    assert await world.round() == 3
    await world.declare(shelter, 1)
    (view,) = (await world.ask("places"))["items"]
    assert (view["over_committed"], view["held"], view["free"]) == (True, 3, 0)
    await world.person({})
    assert await world.round() == 0
    assert await world.promises() == {}


async def test_a_pool_that_is_no_longer_declared_takes_nothing(world: World):
    shelter = await world.provider(places=3)
    shelter.pool_id = uuid4()
    await world.declare(shelter, 0)
    await world.person({})
    assert await world.round() == 0


async def test_concurrent_holds_never_exceed_the_maximum(world: World):
    shelter = await world.provider(places=17)

    async def hold_one() -> int:
        async with world.database.transaction() as session:
            return sum(await places.hold(session, [{shelter.pool_id: 1}]))

    held = sum(await asyncio.gather(*(hold_one() for _ in range(64))))
    assert held == 17
    assert (await world.pool(shelter))["held"] == 17


async def test_rounds_answers_and_declarations_at_once_keep_the_ledger_right(world: World):
    shelters = [await world.provider(places=4) for _ in range(3)]
    for _ in range(24):
        await world.person({})

    async def answer(offer: dict[str, object], position: int) -> None:
        step, body = (
            ("accept", None) if position % 2 else ("decline", {"reason": "other", "note": "closed for the night"})
        )
        partner = next(one for one in shelters if one.service_id == offer["provider_service_id"])
        done = await world.step(f"offers/{offer['offer_id']}/{step}", body, headers=world.partner(partner))
        assert done.status_code in {200, 409}, done.text

    async def one_round() -> None:
        async with world.database.transaction() as session:
            await router.place_referrals(session, world.policy, router.Memory())

    for turn in range(4):
        offers = await world.rows("SELECT * FROM offer WHERE status = 'pending'")
        declared = [world.declare(one, 4 + turn) for one in shelters]
        await asyncio.gather(
            *(answer(one, position) for position, one in enumerate(offers)), one_round(), one_round(), *declared
        )
        assert await world.promises() == {}
    pools = [await world.pool(one) for one in shelters]
    assert all(pool["held"] + pool["taken"] <= 7 for pool in pools)


async def test_who_holds_what_is_one_query(world: World):
    shelter = await world.provider(places=5)
    await world.person({})
    await world.round()
    async with world.database.transaction() as session:
        rows = await (await raw(session)).fetch(
            "SELECT status, sum(place_count) AS places FROM place_hold WHERE pool_id = $1 GROUP BY status",
            shelter.pool_id,
        )
    assert [tuple(row) for row in rows] == [("held", 1)]


async def test_every_hold_says_which_declaration_counted_and_where_it_stands_in_its_pools_history(world: World):
    """From these columns alone the places in use at any hold can be added up. Seen to fail without the count of
    changes of supply in the statement that releases."""
    shelter = await world.provider(places=2)
    first = await world.person({})
    await world.round()
    await world.declare(shelter, 1, as_of=datetime.now(UTC))
    offer = await world.offer_of(first)
    await world.step(f"offers/{offer['offer_id']}/decline", {"reason": "not_eligible"}, headers=world.partner(shelter))
    await world.person({})
    await world.round()
    before, after = await world.rows("SELECT * FROM place_hold ORDER BY held_at")
    pool = await world.row("SELECT as_of, freed_count FROM pool")
    assert before["declared_as_of"] < after["declared_as_of"] == pool["as_of"]
    assert (
        before["held_freed_count"] < before["released_freed_count"] == after["held_freed_count"] == pool["freed_count"]
    )
    assert after["released_freed_count"] is None
