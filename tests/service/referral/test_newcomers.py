"""Who has just arrived does not wait behind all whom an outage has made seek again, and takes nothing from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from libs.events.codes import Urgency
from services.referral.pack.routing import Rounds
from services.referral.router import picks
from tests.service.referral.conftest import NewWorld
from tests.service.referral.world import World

SMALL = {"rounds": Rounds(batch_timeout=600, household_timeout=600, offers_max=8)}
"""Eight in turn, and two newcomers on top."""
NORMAL = {"urgency": Urgency.NORMAL}


async def silenced(world: World, count: int) -> list[UUID]:
    """So many people, the longest waiting first, whose only provider so far has let their offers expire and is gone."""
    silent = await world.provider(places=count)
    first = datetime.now(UTC) - timedelta(hours=9)
    people = [await world.person({**NORMAL, "reported_at": first + timedelta(seconds=nth)}) for nth in range(count)]
    while await world.round():
        pass
    await world.pass_time(hours=1, minutes=1)
    await world.declare(silent, 0, available=0, as_of=datetime.now(UTC))
    return people


async def offered(world: World, people: list[UUID]) -> list[bool]:
    """Who of them has a live offer."""
    rows = await world.rows("SELECT returnee_id FROM offer WHERE status = 'pending'")
    live = {row["returnee_id"] for row in rows}
    return [one in live for one in people]


async def test_a_newcomer_is_in_the_next_round_however_many_seek_again(new_world: NewWorld):
    """Without `_NEWCOMERS` it is in the third. Those who seek again go in their order all the same."""
    async with new_world(**SMALL) as world:
        again = await silenced(world, 20)
        await world.provider(places=99, place="GT13")
        newcomer = await world.person(NORMAL)
        assert await world.round() == 9
        assert await offered(world, [newcomer, *again]) == [True] * 9 + [False] * 12
        assert [await world.round() for _ in range(3)] == [8, 4, 0]
        assert await world.promises() == {}


async def test_a_newcomer_takes_no_place_that_one_before_it_could_need(new_world: NewWorld):
    """Twenty seek again, twelve of them not in this round: of 20 places none is for the newcomer, of 21 the last is.

    Without `leaves_enough` it has the ninth place, and the last of the twenty waits.
    """
    for places, last in ((20, False), (21, True)):
        async with new_world(**SMALL) as world:
            again = await silenced(world, 20)
            await world.provider(places=places, place="GT13")
            newcomer = await world.person(NORMAL)
            await world.round()
            assert await offered(world, [newcomer]) == [last]
            while await world.round():
                pass
            assert await offered(world, [newcomer, *again]) == [last] + [True] * 20
            assert (await world.referral_of(newcomer))["status"] == ("offered" if last else "waitlisted")
            assert await world.promises() == {}


async def test_those_of_another_category_stand_before_nobody(new_world: NewWorld):
    """Without the category in `_AHEAD` the newcomer waits for places that nobody else can use."""
    async with new_world(**SMALL) as world:
        await silenced(world, 20)
        await world.provider(places=99, place="GT13")
        await world.provider(places=1, category="food")
        newcomer = await world.person({**NORMAL, "category": "food"})
        await world.round()
        assert await offered(world, [newcomer]) == [True]


async def test_while_clocks_are_behind_a_round_takes_few_of_those_who_seek_again(new_world: NewWorld, monkeypatch):
    """Emergencies and newcomers go on; the others go as soon as the clocks are decided. Without `behind` all eight."""
    monkeypatch.setattr(picks, "CLOCKS_BEHIND", 3)
    monkeypatch.setattr(picks, "SHARE_WHILE_BEHIND", 4)
    async with new_world(**SMALL) as world:
        await silenced(world, 12)
        await world.provider(places=99, place="GT13")
        newcomer = await world.person(NORMAL)
        for _ in range(4):
            await world.rows("INSERT INTO timer SELECT gen_random_uuid(), 'search_deadline', 0, $1, now()", newcomer)
        assert await world.round() == 2 + 1
        assert await offered(world, [newcomer]) == [True]
        await world.rows("DELETE FROM timer WHERE kind = 'search_deadline'")
        assert await world.round() == 8
        assert await world.round() == 2


async def test_one_that_was_put_off_or_asked_for_is_no_newcomer_any_more(world: World):
    """`ready_at` is the moment of opening only until somebody was asked, or a round has put it off."""
    await world.provider(places=1)
    newcomer = await world.person(NORMAL)
    row = await world.referral_of(newcomer)
    assert row["ready_at"] == row["opened_at"]
    await world.round()
    await world.pass_time(hours=1, minutes=1)
    row = await world.referral_of(newcomer)
    assert (row["status"], row["ready_at"] == row["opened_at"]) == ("seeking", False)
