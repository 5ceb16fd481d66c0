"""The queue is fair: by urgency class, then time, per pool; nobody overtakes or starves, and it outlives its worker."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from libs.chassis.database import raw
from libs.events.catalogue.directory import Opening
from libs.events.codes import Urgency
from services.referral.journeys import queries as journeys
from tests.service.referral.world import Provider, World

NOW = datetime.now(UTC)


async def waiting(world: World, *, minutes: float, **need: object) -> object:
    """A returnee whose need has waited for so long."""
    return await world.person({"reported_at": NOW - timedelta(minutes=minutes), **need})


async def full_house(world: World, places: int) -> tuple[Provider, list[object]]:
    """A shelter all of whose places are held."""
    shelter = await world.provider(places=places)
    inside = [await world.person({}) for _ in range(places)]
    assert await world.round() == places
    return shelter, inside


async def leave(world: World, shelter: Provider, returnee: object) -> None:
    """Give the place of this returnee back."""
    offer = await world.offer_of(returnee)  # type: ignore[arg-type]
    path = f"offers/{offer['offer_id']}/decline"
    done = await world.step(path, {"reason": "not_eligible"}, headers=world.partner(shelter))
    assert done.status_code == 200, done.text


async def status(world: World, returnee: object) -> str:
    return str((await world.referral_of(returnee))["status"])  # type: ignore[arg-type]


async def test_who_arrives_as_a_place_comes_free_stands_behind_who_waits(world: World):
    """Of one urgency. Seen to fail with the woken left out of the round."""
    shelter, (inside,) = await full_house(world, 1)
    first = await waiting(world, minutes=60)
    await world.round()
    await leave(world, shelter, inside)
    newcomer = await waiting(world, minutes=1)
    assert await world.round() == 1
    assert (await status(world, first), await status(world, newcomer)) == ("offered", "waitlisted")


async def test_a_more_urgent_need_goes_before_a_longer_wait(world: World):
    shelter, (inside,) = await full_house(world, 1)
    first = await waiting(world, minutes=600, urgency=Urgency.NORMAL)
    await world.round()
    await leave(world, shelter, inside)
    newcomer = await waiting(world, minutes=1, urgency=Urgency.EMERGENCY)
    await world.round()
    assert (await status(world, first), await status(world, newcomer)) == ("waitlisted", "offered")


async def test_a_newcomer_does_not_overtake_one_whose_journey_is_held_just_now(world: World):
    """The round cannot look at it, so it leaves its place alone. Seen to fail with `Line.come_to` doing nothing."""
    shelter, (inside,) = await full_house(world, 1)
    first = await waiting(world, minutes=60)
    await world.round()
    await leave(world, shelter, inside)
    newcomer = await waiting(world, minutes=1)
    async with world.database.transaction() as session:
        await journeys.lock(session, [first])  # type: ignore[list-item]
        assert await world.round() == 0
        assert await status(world, newcomer) == "waitlisted"
    assert await world.round() == 1
    assert await status(world, first) == "offered"


async def test_one_that_cannot_be_served_now_holds_nobody_up(world: World):
    """A household of which a member is not known any more is not ready: its turn passes. Seen to fail without that."""
    shelter, inside = await full_house(world, 2)
    key, (reference, _) = await world.family(2, reported_at=NOW - timedelta(hours=5))
    await world.round()
    await leave(world, shelter, inside[0])
    await leave(world, shelter, inside[1])
    async with world.database.transaction() as session:
        await (await raw(session)).execute("UPDATE household SET expected_size = 3 WHERE household_id = $1", key)
    newcomer = await waiting(world, minutes=1)
    assert await world.round() == 1
    assert (await status(world, reference), await status(world, newcomer)) == ("waitlisted", "offered")


async def test_the_household_at_the_head_keeps_what_comes_free_until_it_has_enough(world: World):
    """Singles behind it wait meanwhile. Seen to fail with `Line.keep` doing nothing: they took each bed as it came."""
    shelter, inside = await full_house(world, 4)
    _, (reference, *_) = await world.family(4, reported_at=NOW - timedelta(hours=5))
    single = await waiting(world, minutes=60)
    await world.round()
    for returnee in inside[:3]:
        await leave(world, shelter, returnee)
        newcomer = await waiting(world, minutes=1)
        assert await world.round() == 0
        assert {await status(world, one) for one in (reference, single, newcomer)} == {"waitlisted"}
    (entry, *_) = (await world.ask("waitlists"))["items"]
    assert entry["kept_until"] is not None
    await leave(world, shelter, inside[3])
    assert await world.round() == 1
    assert await status(world, reference) == "offered"
    assert await world.promises() == {}


async def test_an_emergency_takes_even_what_is_kept(world: World):
    shelter, inside = await full_house(world, 4)
    await world.family(4, reported_at=NOW - timedelta(hours=5))
    await world.round()
    await leave(world, shelter, inside[0])
    await world.round()
    urgent = await waiting(world, minutes=1, urgency=Urgency.EMERGENCY)
    assert await world.round() == 1
    assert await status(world, urgent) == "offered"


async def test_what_is_kept_for_too_long_goes_to_those_behind(world: World):
    """Once per household: it keeps its place in the queue. Seen to fail with `end_kept` ending nothing."""
    shelter, inside = await full_house(world, 4)
    _, (reference, *_) = await world.family(4, reported_at=NOW - timedelta(hours=5))
    single = await waiting(world, minutes=60)
    await world.round()
    await leave(world, shelter, inside[0])
    assert await world.round() == 0
    world.clock.passed += timedelta(seconds=world.policy.rounds.keep_places_for + 1)
    assert await world.round() == 1
    assert (await status(world, reference), await status(world, single)) == ("waitlisted", "offered")
    newcomer = await waiting(world, minutes=1)
    await leave(world, shelter, inside[1])
    assert await world.round() == 1, "it does not keep a pool twice"
    assert await status(world, newcomer) == "offered"
    assert (await world.ask("waitlists"))["items"][0]["position"] == 1


async def test_what_was_kept_for_one_that_has_left_opens_to_those_behind(world: World):
    """Seen to fail with kept pools ended by their time alone."""
    shelter, inside = await full_house(world, 4)
    _, (reference, *_) = await world.family(4, reported_at=NOW - timedelta(hours=5))
    single = await waiting(world, minutes=60)
    await world.round()
    await leave(world, shelter, inside[0])
    assert await world.round() == 0
    referral = await world.referral_of(reference)
    await world.step(f"referrals/{referral['referral_id']}/cancel", {"reason": "by_returnee"})
    assert await world.round() == 1
    assert await status(world, single) == "offered"


async def test_who_waits_is_asked_first_when_a_closed_service_opens(world: World):
    """Nothing is declared when the doors open. Seen to fail without `look_at`: the newcomer got the place."""
    await world.provider(places=0)
    at = datetime.now(UTC) + timedelta(hours=5)
    opens = at.hour * 60
    later = await world.provider(
        places=1,
        place="GT13",
        timezone="UTC",
        openings=[Opening(weekday=at.isoweekday(), opens_minute=opens, closes_minute=opens + 59)],
    )
    first = await waiting(world, minutes=60)
    assert await world.round() == 0
    assert await status(world, first) == "waitlisted"
    world.clock.passed += timedelta(hours=5)
    newcomer = await waiting(world, minutes=1)
    assert await world.round() == 1
    assert (await status(world, first), await status(world, newcomer)) == ("offered", "waitlisted")
    assert (await world.offer_of(first))["provider_service_id"] == later.service_id  # type: ignore[arg-type]


async def test_each_learns_its_position_and_the_wait_where_it_is_known(world: World):
    """Per category and per pool; unknown until places have come free often enough, then at the rate of that."""
    shelter, inside = await full_house(world, 4)
    first, second = await waiting(world, minutes=60), await waiting(world, minutes=30)
    await world.round()
    mine = await world.ask(f"referrals/{(await world.referral_of(second))['referral_id']}")  # type: ignore[arg-type]
    (pool,) = mine["waitlist"]["pools"]
    assert (mine["waitlist"]["position"], pool["position"], pool["pool_id"]) == (2, 2, str(shelter.pool_id))
    assert (mine["waitlist"]["expected_wait_seconds"], pool["expected_wait_seconds"]) == (None, None)
    for returnee in inside[:3]:
        offer = await world.offer_of(returnee)  # type: ignore[arg-type]
        await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
        await world.step(f"referrals/{offer['referral_id']}/start", headers=world.partner(shelter))
        world.clock.passed += timedelta(hours=1)
        path = f"referrals/{offer['referral_id']}/complete"
        await world.step(path, {"outcome": "need_met"}, headers=world.partner(shelter))
    items = (await world.ask("waitlists", pool_id=str(shelter.pool_id)))["items"]
    waits = {one["returnee_id"]: one["expected_wait_seconds"] for one in items}
    # Two came free within the two hours after the first: one an hour.
    assert 3500 < waits[str(first)] < 3800
    assert 7100 < waits[str(second)] < 7600


@asynccontextmanager
async def a_router(world: World) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that makes rounds; killed at the end."""
    pack = str(world.app.state.settings.pack)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.service.referral.rounds", world.url, pack
    )
    try:
        yield process
    finally:
        process.kill()
        assert await process.wait() == -signal.SIGKILL


async def until(world: World, returnee: object, wanted: str) -> None:
    async with asyncio.timeout(300):
        while await status(world, returnee) != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_the_queue_outlives_its_worker(world: World):
    """The process that made the queue is killed; another, that remembers nothing, serves it in the same order."""
    shelter, (inside,) = await full_house(world, 1)
    people = [await waiting(world, minutes=minutes) for minutes in (30, 90, 60)]
    async with a_router(world):
        for one in people:
            await until(world, one, "waitlisted")
    before = (await world.ask("waitlists"))["items"]
    assert [one["returnee_id"] for one in before] == [str(people[1]), str(people[2]), str(people[0])]
    await leave(world, shelter, inside)
    newcomer = await waiting(world, minutes=1)
    async with a_router(world):
        await until(world, people[1], "offered")
        await until(world, newcomer, "waitlisted")
    after = (await world.ask("waitlists"))["items"]
    assert [one["returnee_id"] for one in after] == [str(people[2]), str(people[0]), str(newcomer)]
    assert [one["queued_at"] for one in after[:2]] == [before[1]["queued_at"], before[2]["queued_at"]]
