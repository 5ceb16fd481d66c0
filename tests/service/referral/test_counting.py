"""What a declared figure can know of: who was accepted and has not begun stays subtracted from it (decision 0044)."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from libs.events.catalogue.directory import PoolDeclared
from tests.service.referral.world import Provider, World


async def accept(world: World, shelter: Provider, returnee_id: UUID) -> UUID:
    """The provider accepts what it was offered for this person; returns the referral."""
    offer = await world.offer_of(returnee_id)
    answer = await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
    assert answer.status_code == 200, answer.text
    return UUID(str(offer["referral_id"]))


async def do(world: World, shelter: Provider, referral_id: UUID, step: str, body: dict[str, str] | None = None) -> None:
    answer = await world.step(f"referrals/{referral_id}/{step}", body, headers=world.partner(shelter))
    assert answer.status_code == 200, answer.text


async def count_anew(world: World, shelter: Provider, places: int, **more: object) -> dict[str, object]:
    """The provider counts now, and declares; what the ledger then shows of its pool."""
    await world.declare(shelter, places, **{"as_of": datetime.now(UTC) + world.clock.passed, **more})  # type: ignore[arg-type]
    (view,) = (await world.ask("places", provider_service_id=str(shelter.service_id)))["items"]
    return dict(view)


async def placed(world: World, count: int) -> list[UUID]:
    people = [await world.person({}) for _ in range(count)]
    await world.round()
    return people


async def test_nine_free_beds_are_promised_to_nine_people_when_nine_are_declared_again(world: World):
    """The tenth was offered a bed when only takes after the count were subtracted."""
    shelter = await world.provider(places=20, available=9)
    first, *_ = await placed(world, 9)
    referral_id = await accept(world, shelter, first)
    view = await count_anew(world, shelter, 20, available=9)
    assert {name: view[name] for name in ("available", "held", "taken", "taken_uncounted", "free")} == {
        "available": 9, "held": 8, "taken": 1, "taken_uncounted": 1, "free": 0,
    }  # fmt: skip
    (tenth,) = await placed(world, 1)
    assert (await world.referral_of(tenth))["status"] == "waitlisted"
    await do(world, shelter, referral_id, "start")
    assert (await count_anew(world, shelter, 20, available=9))["free"] == 1
    await world.round()
    assert (await world.referral_of(tenth))["status"] == "offered"
    assert await world.promises() == {}


async def test_a_figure_counted_before_they_began_does_not_know_of_them_though_it_comes_later(world: World):
    shelter = await world.provider(places=20, available=5)
    (person,) = await placed(world, 1)
    referral_id = await accept(world, shelter, person)
    counted_at = datetime.now(UTC)
    await do(world, shelter, referral_id, "start")
    assert (await count_anew(world, shelter, 20, available=5, as_of=counted_at))["free"] == 4
    assert (await count_anew(world, shelter, 20, available=4))["free"] == 4


async def test_a_provider_that_leaves_out_whom_it_has_accepted_says_so_and_they_are_not_subtracted_again(world: World):
    shelter = await world.provider(places=20, available=5)
    first, second = await placed(world, 2)
    referral_id = await accept(world, shelter, first)
    view = await count_anew(world, shelter, 20, available=4, accepted_left_out=True)
    assert (view["held"], view["taken_uncounted"], view["free"]) == (1, 0, 3)
    await accept(world, shelter, second)
    assert (await world.pool(shelter))["taken_uncounted"] == 1, "accepted after the count"
    await do(world, shelter, referral_id, "not-delivered", {"reason": "person_not_found"})
    assert (await world.pool(shelter))["taken_uncounted"] == 1, "it was not counted, so it is not given back"


async def test_an_accepted_person_who_never_comes_gives_the_place_back_after_a_later_count_too(world: World):
    shelter = await world.provider(places=20, available=2)
    first, _ = await placed(world, 2)
    referral_id = await accept(world, shelter, first)
    assert (await count_anew(world, shelter, 20, available=2))["free"] == 0
    await do(world, shelter, referral_id, "not-delivered", {"reason": "person_not_found"})
    (view,) = (await world.ask("places"))["items"]
    assert (view["held"], view["taken_uncounted"], view["free"]) == (1, 0, 1)


async def test_a_place_that_was_used_after_the_count_stays_used_in_whatever_order_figures_come(world: World):
    """A meal is eaten, a seat is travelled. Seen to fail when a declaration counted only what is still taken."""
    kitchen = await world.provider(places=20, available=1)
    (person,) = await placed(world, 1)
    counted_at = datetime.now(UTC)
    referral_id = await accept(world, kitchen, person)
    await do(world, kitchen, referral_id, "start")
    await do(world, kitchen, referral_id, "complete", {"outcome": "need_met"})
    assert (await world.pool(kitchen))["taken_uncounted"] == 1
    assert (await count_anew(world, kitchen, 20, available=1, as_of=counted_at))["free"] == 0
    assert (await count_anew(world, kitchen, 20, available=1))["free"] == 1


async def test_who_leaves_after_the_count_frees_a_place_only_at_the_next_count(world: World):
    shelter = await world.provider(places=3)
    (person,) = await placed(world, 1)
    referral_id = await accept(world, shelter, person)
    await do(world, shelter, referral_id, "start")
    assert (await count_anew(world, shelter, 3, available=1))["free"] == 1
    await do(world, shelter, referral_id, "complete", {"outcome": "need_met"})
    assert (await count_anew(world, shelter, 3, available=2))["free"] == 2


async def test_a_household_that_has_not_come_stays_subtracted_in_both_its_pools(world: World):
    shelter = await world.provider(places=0)
    beds = PoolDeclared(pool_id=uuid4(), kind="child_beds", maximum=6, available=3, starts_on=None, ends_on=None)
    await world.declare(shelter, 6, available=2, kind="adult_beds", besides=[beds])
    _, (reference, *_) = await world.family(4)
    await world.round()
    referral_id = await accept(world, shelter, reference)

    async def declare_again() -> dict[str, int]:
        now = datetime.now(UTC)
        await world.declare(shelter, 6, available=2, kind="adult_beds", besides=[beds], as_of=now)
        return {one["kind"]: one["free"] for one in (await world.ask("places"))["items"]}

    assert await declare_again() == {"adult_beds": 1, "child_beds": 0}
    await do(world, shelter, referral_id, "start")
    assert await declare_again() == {"adult_beds": 2, "child_beds": 3}


@pytest.mark.parametrize("turns", range(3))
async def test_declarations_acceptances_and_starts_at_once_leave_what_the_history_says(world: World, turns: int):
    """Whatever wins a race, the sum in the pool is that of its holds, and no more is promised than was counted."""
    shelter = await world.provider(places=20, available=12)
    people = await placed(world, 12)
    referrals = await asyncio.gather(*(accept(world, shelter, one) for one in people[:6]))
    await asyncio.gather(
        *(do(world, shelter, one, "start") for one in referrals[:3]),
        *(do(world, shelter, one, "not-delivered", {"reason": "person_not_found"}) for one in referrals[3:5]),
        *(accept(world, shelter, one) for one in people[6:9]),
        world.declare(shelter, 20, available=12, as_of=datetime.now(UTC)),
        world.round(),
    )
    pool = await world.pool(shelter)
    counted = await world.row(
        "SELECT sum(place_count) FILTER (WHERE status = 'taken' AND (begun_at IS NULL OR begun_at > $2))::int AS places"
        " FROM place_hold WHERE pool_id = $1",
        shelter.pool_id,
        pool["as_of"],
    )
    assert pool["taken_uncounted"] == counted["places"]
    assert pool["held"] + pool["taken_uncounted"] <= pool["available"]
    assert await world.promises() == {}
