"""The invariants are seen to fail when what they watch is broken on purpose, and every breach gets a person."""

import asyncio
from uuid import UUID

import pytest

from libs.chassis.database import raw
from services.referral.journeys import queries as journeys
from services.referral.places.loop import Sweeper
from services.referral.promises.loop import Watcher
from tests.service.referral.kinds import gives
from tests.service.referral.world import World

BREAKAGES = {
    "every_open_need_is_attended": "DELETE FROM timer",
    "ledger_agrees_with_holds": "UPDATE pool SET held = held + 1",
    "no_hold_leaks": "UPDATE offer SET status = 'expired'",
    "no_clock_is_overdue": "UPDATE timer SET due_at = due_at - interval '30 days'",
    "no_offer_is_orphaned": "UPDATE referral SET offer_id = NULL",
}


def watcher(world: World) -> Watcher:
    sweeper = Sweeper(world.database, claim=journeys.claim)
    return Watcher(world.database, world.policy, clock_rate=1.0, mend=sweeper.sweep_once)


async def breaks(world: World, statement: str) -> None:
    async with world.database.transaction() as session:
        await (await raw(session)).execute(statement)


async def an_offer(world: World) -> UUID:
    await world.provider(kinds=gives("shelter"))
    returnee = await world.person({"kind": "shelter"})
    await world.round()
    assert await world.promises() == {}
    return returnee


async def reviews(world: World, *, restricted: bool = False) -> list[dict[str, object]]:
    """Pending reviews of broken promises."""
    found = await world.ask("reviews", status="pending", headers=world.staff(restricted=restricted))
    return [one for one in found["items"] if one["promise"] is not None]


@pytest.mark.parametrize(("promise", "breakage"), BREAKAGES.items(), ids=BREAKAGES.keys())
async def test_a_broken_promise_is_counted_and_gets_a_review(world: World, promise: str, breakage: str):
    """Seen to fail with the breakage left out, and with the watcher's `_open_reviews` left out."""
    await an_offer(world)
    await breaks(world, breakage)
    broken = await world.promises()
    assert broken[promise] == 1 or promise == "no_clock_is_overdue"
    shown = {one["name"]: one["by_kind"] for one in (await world.ask("invariants"))["promises"]}
    assert shown[promise] == ({} if promise in {"ledger_agrees_with_holds", "no_clock_is_overdue"} else {"shelter": 1})
    counted = await watcher(world).look()
    assert {name: count for name, count in counted.items() if count} == broken
    found = await reviews(world)
    assert {one["promise"] for one in found} == set(broken)
    assert {one["desk"] for one in found} == {world.policy.steward_desk}
    await watcher(world).look()
    assert len(await reviews(world)) == len(found)


async def test_a_need_with_neither_clock_nor_owner_is_found_and_the_steward_answers_for_it(world: World):
    """Seen to fail with `_own` left out of the watcher's actions."""
    returnee = await world.person({})
    await world.round()
    assert await world.promises() == {}
    await breaks(world, "DELETE FROM timer")
    await breaks(world, "UPDATE need SET owner = NULL, owner_reason = NULL, owned_since = NULL")
    assert await world.promises() == {"every_open_need_is_attended": 1}
    assert (await world.referral_of(returnee))["status"] == "seeking"
    await watcher(world).look()
    assert "every_open_need_is_attended" not in await world.promises()
    owned = await world.ask("work-lists/owned", owner=world.policy.steward_desk)
    assert [one["owner_reason"] for one in owned["items"]] == ["promise_broken"]
    assert [one["promise"] for one in await reviews(world)] == ["every_open_need_is_attended"]


async def test_watchers_that_look_at_once_open_one_review_for_a_breach(world: World):
    """Seen to fail without the unique index `uq_review_breach`."""
    await an_offer(world)
    await breaks(world, "UPDATE pool SET held = held + 1")
    await asyncio.gather(*(watcher(world).look() for _ in range(4)))
    assert [one["promise"] for one in await reviews(world)] == ["ledger_agrees_with_holds"]


async def test_a_need_that_somebody_works_on_is_left_to_the_next_look(world: World):
    """Its journey is locked: the watcher neither waits nor names an owner. Seen to fail with `lock` for `claim`."""
    await an_offer(world)
    await breaks(world, "DELETE FROM timer")
    async with world.database.transaction() as session:
        await (await raw(session)).execute("SELECT 1 FROM journey FOR UPDATE")
        async with asyncio.timeout(10):
            await watcher(world).look()
    assert "every_open_need_is_attended" not in {one["promise"] for one in await reviews(world)}
    await watcher(world).look()
    assert "every_open_need_is_attended" in {one["promise"] for one in await reviews(world)}


async def test_a_review_of_a_promise_is_resolved_with_a_note_and_comes_again_while_it_is_broken(world: World):
    await an_offer(world)
    await breaks(world, "UPDATE pool SET held = held + 1")
    await watcher(world).look()
    (review,) = await reviews(world)
    for step in ("approve", "reject"):
        answer = await world.step(f"reviews/{review['id']}/{step}", {})
        assert (answer.status_code, answer.json()["code"]) == (409, "step-not-allowed")
    answer = await world.step(f"reviews/{review['id']}/resolve", {})
    assert answer.status_code == 422
    answer = await world.step(f"reviews/{review['id']}/resolve", {"note": "counted by hand"})
    assert (answer.status_code, answer.json()["status"]) == (200, "resolved")
    assert (await world.step(f"reviews/{review['id']}/resolve", {"note": "again"})).status_code == 409
    assert await reviews(world) == []
    await watcher(world).look()
    assert len(await reviews(world)) == 1


async def test_a_review_before_an_offer_is_not_resolved(world: World):
    await world.person({"category": "gbv"})
    await world.round()
    headers = world.staff(restricted=True)
    (review,) = (await world.ask("reviews", headers=headers))["items"]
    answer = await world.step(f"reviews/{review['id']}/resolve", {"note": "not so"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "step-not-allowed")


async def test_places_that_leaked_have_a_review_before_they_are_mended(world: World, monkeypatch):
    """The loop looks, then sweeps. Seen to fail with the sweep before the look, and with no sweep."""
    monkeypatch.setattr("services.referral.promises.loop.EVERY_S", 0.01)
    await an_offer(world)
    await breaks(world, "UPDATE pool SET held = held + 1")
    stop = asyncio.Event()
    running = asyncio.create_task(watcher(world).run(stop))
    for _ in range(600):
        if not await world.promises():
            break
        await asyncio.sleep(0.05)
    stop.set()
    await running
    assert await world.promises() == {}
    assert [one["promise"] for one in await reviews(world)] == ["ledger_agrees_with_holds"]
