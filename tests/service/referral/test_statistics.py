"""Statistics tell of people who allow that they are counted, and no number that points at somebody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from libs.events.catalogue.registration import ReturneeErased
from tests.service.referral import making
from tests.service.referral.kinds import TAXONOMY
from tests.service.referral.making import COUNTED, REFERRAL
from tests.service.referral.world import World


async def people(world: World, count: int, *grants: Any) -> list[Any]:
    """So many people who need a shelter and allow this."""
    found = [uuid4() for _ in range(count)]
    for one in found:
        await world.hear(making.registered(one), making.allowing(one, *grants), making.need(one))
    return found


async def numbers(world: World) -> dict[str, int | None] | None:
    """The row of shelters, or None."""
    rows = (await world.ask("statistics"))["categories"]
    return next((row for row in rows if row["category"] == "shelter"), None)


async def unmet(world: World) -> list[int | None]:
    return [one["count"] for one in (await world.ask("work-lists/unmet/summary"))["items"]]


async def test_who_does_not_allow_to_be_counted_is_in_no_statistic(world: World):
    await people(world, 7, REFERRAL)
    await world.round()
    assert await numbers(world) is None
    assert await unmet(world) == []
    assert len((await world.ask("work-lists/unmet"))["items"]) == 7, "work lists are no statistics"
    counted = await people(world, 5, REFERRAL, COUNTED)
    await world.round()
    found = await numbers(world)
    assert found is not None
    assert found["needs"] == 5
    assert await unmet(world) == [5]
    for one in counted[:2]:
        await world.hear(making.allowing(one, REFERRAL, version=2))
    found = await numbers(world)
    assert found is not None
    assert (found["needs"], await unmet(world)) == (3, [3])


async def test_a_consent_to_be_counted_that_comes_late_or_has_ended_counts_from_then_and_until_then(world: World):
    early = await people(world, 4)
    assert await numbers(world) is None
    soon = datetime.now(UTC) + timedelta(days=2)
    for one in early:
        await world.hear(making.allowing(one, COUNTED, version=2, until=soon))
    found = await numbers(world)
    assert found is not None
    assert found["needs"] == 4
    world.clock.passed += timedelta(days=3)
    assert await numbers(world) is None


async def test_an_erased_person_who_allowed_it_still_counts(world: World):
    (first, *_) = await people(world, 5, COUNTED)
    await world.hear(ReturneeErased(returnee_id=first, erased_at=datetime.now(UTC)))
    found = await numbers(world)
    assert found is not None
    assert found["needs"] == 5


async def test_numbers_of_one_and_two_are_not_told_and_cannot_be_worked_out(world: World):
    """Without `told` in `queries.statistics` the row tells of two that were met."""
    shelter = await world.provider(places=20)
    await people(world, 9, REFERRAL, COUNTED)
    await world.round()
    for row in (await world.rows("SELECT offer_id, referral_id FROM offer ORDER BY offer_id"))[:2]:
        await world.step(f"offers/{row['offer_id']}/accept", headers=world.partner(shelter))
        await world.step(f"referrals/{row['referral_id']}/start", headers=world.partner(shelter))
        done = await world.step(
            f"referrals/{row['referral_id']}/complete", {"outcome": "need_met"}, headers=world.partner(shelter)
        )
        assert done.status_code == 200, done.text
    found = await numbers(world)
    assert found is not None
    assert (found["met"], found["accepted"]) == (None, None)
    assert found["needs"] is None or found["open"] is None, "nine less seven would be the two"
    assert not {1, 2} & set(found.values())


async def test_numbers_go_by_kind_and_none_of_them_is_small(new_world):
    """By what exactly is needed; with the category's numbers, the two of the second kind could be worked out."""
    async with new_world(taxonomy=TAXONOMY) as world:
        for kind, count in (("family_shelter", 6), ("child_shelter", 2), (None, 7)):
            for _ in range(count):
                one = uuid4()
                await world.hear(making.registered(one), making.allowing(one, COUNTED), making.need(one, kind=kind))
        answer = await world.ask("statistics/shelter")
        needs = {row["kind"]: row["needs"] for row in answer["kinds"]}
        assert set(needs) == {None, "child_shelter", "family_shelter"}
        assert needs["child_shelter"] is None
        assert list(needs.values()).count(None) >= 2
        assert (await world.ask("statistics/food"))["kinds"] == []
        listed = (await world.ask("work-lists/waiting", kind="child_shelter"))["items"]
        assert {one["kind"] for one in listed} == {"child_shelter"}
        assert len(listed) == 2
