"""A named owner who does nothing is not the end: the desk above answers, up to the steward (decision 0025)."""

from typing import Any

import pytest

from libs.chassis.database import raw
from tests.service.referral.world import World

TRAINING = {"category": "training"}


async def owned(world: World) -> dict[str, Any]:
    """A need that nobody in the network can take: the lead desk answers for it."""
    returnee = await world.person(TRAINING)
    await world.round()
    return await world.need_of(returnee)


async def test_silence_leads_from_the_lead_desk_over_the_pack_s_desk_to_the_steward_and_is_then_repeated(new_world):
    """Taken out: `escalates_to` in `desk_above` (the steward came too soon), the clock in `assign` (nothing moved)."""
    async with new_world(escalates_to={"lead": "region"}) as world:
        need = await owned(world)
        assert (need["owner"], need["owner_level"]) == ("lead", 0)
        for owner, level in (("region", 1), ("steward", 2)):
            await world.pass_time(seconds=3590)
            assert (await world.need_of(need["returnee_id"]))["owner_level"] == level - 1
            await world.pass_time(seconds=11)
            need = await world.need_of(need["returnee_id"])
            assert (need["owner"], need["owner_level"]) == (owner, level)
            assert (need["owner_reason"], need["owner_overdue_since"]) == ("owner_silent", None)
            assert await world.promises() == {}
        for _ in range(3):
            await world.pass_time(seconds=3601)
        need = await world.need_of(need["returnee_id"])
        assert need["owner"] == "steward"
        assert need["owner_overdue_since"] is not None
        told = [(one["owner"], one["reason"]) for one in await world.published("need.assigned.v1")]
        assert told == [("lead", "no_candidate"), ("region", "owner_silent"), *[("steward", "owner_silent")] * 4]
        assert [one["owner"] for one in await world.published("referral.escalated.v1")] == ["lead", "region", "steward"]
        (shown,) = (await world.ask("work-lists/owned"))["items"]
        assert shown["owner_overdue_since"] is not None
        assert await world.promises() == {}


async def test_a_desk_that_says_it_has_it_in_hand_gets_the_longer_clock(world: World):
    """Taken out: the sign of life in `note_signs_of_life` (the desk above answered after an hour all the same)."""
    need = await owned(world)
    answer = await world.step(f"needs/{need['need_id']}/acknowledge")
    assert answer.status_code == 200, answer.text
    assert answer.json()["owner_seen_at"] is not None
    await world.pass_time(seconds=7190)
    assert (await world.need_of(need["returnee_id"]))["owner"] == "lead"
    await world.pass_time(seconds=11)
    assert (await world.need_of(need["returnee_id"]))["owner"] == "steward"


async def test_any_step_of_a_person_is_a_sign_of_life_and_ends_the_stewards_overdue(world: World):
    need = await owned(world)
    await world.pass_time(seconds=3601)
    await world.pass_time(seconds=3601)
    assert (await world.need_of(need["returnee_id"]))["owner_overdue_since"] is not None
    await world.step(f"needs/{need['need_id']}/seek-again")
    need = await world.need_of(need["returnee_id"])
    assert need["owner_overdue_since"] is None
    assert need["owner_seen_at"] is not None


async def test_an_answer_of_a_provider_is_no_sign_of_life_of_the_owner(world: World):
    """Taken out: the exception for offers in `note_signs_of_life`."""
    shelter = await world.provider()
    returnee = await world.person({})
    await world.round()
    need, offer = await world.need_of(returnee), await world.offer_of(returnee)
    await world.step(f"needs/{need['need_id']}/assign", {"owner": "lead"})
    await world.step(f"offers/{offer['offer_id']}/acknowledge", headers=world.partner(shelter))
    assert (await world.need_of(returnee))["owner_seen_at"] is None


async def test_whoever_names_an_owner_by_hand_has_not_seen_it_for_that_owner(world: World):
    """Taken out: `newly_owned` (the steward's first clock was the longer one)."""
    need = await owned(world)
    answer = await world.step(f"needs/{need['need_id']}/assign", {"owner": "steward"})
    assert answer.json()["owner_seen_at"] is None


@pytest.mark.parametrize("end", ["refuse", "accept"])
async def test_an_owner_let_go_has_no_clock_left(world: World, end: str):
    """Taken out: `stop_timers` in `disown` (a clock of an ended need went off)."""
    await world.provider()
    returnee = await world.person({})
    await world.round()
    need, offer = await world.need_of(returnee), await world.offer_of(returnee)
    await world.step(f"needs/{need['need_id']}/assign", {"owner": "lead"})
    path = f"needs/{need['need_id']}/refuse" if end == "refuse" else f"offers/{offer['offer_id']}/accept"
    assert (await world.step(path)).status_code == 200
    assert await world.rows("SELECT 1 FROM timer WHERE kind = 'owner_silence'") == []
    assert (await world.need_of(returnee))["owner_due_at"] is None


async def test_a_need_without_an_owner_or_ended_cannot_be_acknowledged(world: World):
    await world.provider()
    returnee = await world.person({})
    need = await world.need_of(returnee)
    for _ in range(2):
        answer = await world.step(f"needs/{need['need_id']}/acknowledge")
        assert (answer.status_code, answer.json()["code"]) == (409, "step-not-allowed")
        await world.step(f"needs/{need['need_id']}/refuse")


async def test_an_owner_without_a_clock_breaks_a_promise(world: World):
    await owned(world)
    async with world.database.transaction() as session:
        await (await raw(session)).execute("DELETE FROM timer WHERE kind = 'owner_silence'")
    assert await world.promises() == {"every_owner_has_a_clock": 1}
