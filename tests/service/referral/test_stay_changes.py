"""What a person may change of a stay, and every way in which it ends."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from libs.chassis.database import raw
from services.referral.clocks import queries as clocks
from services.referral.lifecycles.rules import NEXT_REFERRAL, ReferralStatus, ReferralStep
from tests.service.referral.staying import DONE, ENDS, alarms, plan, staying
from tests.service.referral.world import World


async def test_an_extension_moves_the_end_and_the_alarms_and_is_told(world: World):
    """Seen to fail with `_start_clocks` taken out of `stay_steps.extend`: the stay ran out at 72 hours."""
    returnee, _, path = await staying(world)
    await world.pass_time(hours=61)
    answer = await world.step(f"{path}/extend", {"hours": 24, "reason": "The bus home leaves tomorrow"})
    assert (answer.status_code, answer.json()["extended_hours"]) == (200, 24)
    assert await alarms(world, path) == [("stay_alarm", 72), ("stay_alarm", 84), ("stay_end", 96)]
    event = (await world.published("stay.ending.v1"))[-1]
    assert (event["phase"], event["ends_at"]) == ("extended", answer.json()["ends_at"])
    step = await world.row("SELECT * FROM step WHERE step = 'referral.extend_stay'")
    assert (step["actor"], step["reason"]) == ("desk", "hours_24")
    assert await world.note_of("referral.extend_stay") == "The bus home leaves tomorrow"
    assert "bus home" not in answer.text
    await world.pass_time(hours=34)
    assert (await world.published("stay.ending.v1"))[-1]["phase"] == "nearing"
    await world.pass_time(hours=2)
    assert (await world.published("stay.ending.v1"))[-1]["phase"] == "over"
    assert (await world.need_of(returnee))["owner"] is not None
    assert await world.promises() == {}


async def test_extensions_are_bounded_by_the_pack_all_together(world: World):
    """Seen to fail with the bound taken out of `stay_steps.extend`."""
    _, _, path = await staying(world)
    assert (await world.step(f"{path}/extend", {"hours": 40, "reason": "No bus"})).status_code == 200
    answer = await world.step(f"{path}/extend", {"hours": 9, "reason": "No bus"})
    assert (answer.status_code, answer.json()["code"], answer.json()["hours_left"]) == (409, "extension-too-long", 8)
    assert (await world.step(f"{path}/extend", {"hours": 8, "reason": "No bus"})).status_code == 200
    assert (await alarms(world, path))[-1] == ("stay_end", 120)


async def test_an_extension_that_would_be_over_already_is_refused(world: World):
    _, _, path = await staying(world)
    await world.pass_time(hours=80)
    answer = await world.step(f"{path}/extend", {"hours": 8, "reason": "No bus"})
    assert (answer.status_code, answer.json()["code"]) == (409, "extension-too-short")
    assert (await world.step(f"{path}/extend", {"hours": 20, "reason": "No bus"})).status_code == 200
    assert (await alarms(world, path))[-1] == ("stay_end", 92)
    assert await world.promises() == {}


async def test_only_staff_lengthen_a_stay_with_a_reason_and_once(world: World):
    _, shelter, path = await staying(world)
    refused = await world.step(f"{path}/extend", {"hours": 24, "reason": "Full moon"}, headers=world.partner(shelter))
    assert (refused.status_code, refused.json()["code"]) == (403, "staff-only")
    assert (await world.step(f"{path}/extend", {"hours": 24})).json()["errors"][0]["pointer"] == "/reason"
    keyed = {**world.staff(), "Idempotency-Key": "once"}
    for _ in range(2):
        answer = await world.step(f"{path}/extend", {"hours": 24, "reason": "No bus"}, headers=keyed)
        assert (answer.status_code, answer.json()["extended_hours"]) == (200, 24)


async def test_an_extension_and_the_end_at_once_have_one_winner(world: World):
    """Whoever takes the journey first: lengthened in time the end never rings, else it rings once and is set anew."""
    for _ in range(4):
        _, _, path = await staying(world)
        before = len([one for one in await world.published("stay.ending.v1") if one["phase"] == "over"])
        world.clock.passed += timedelta(hours=72, seconds=5)
        answer, _ = await asyncio.gather(
            world.step(f"{path}/extend", {"hours": 24, "reason": "No bus"}), world.clockwork.fire_once()
        )
        assert answer.status_code == 200
        await world.pass_time()
        after = len([one for one in await world.published("stay.ending.v1") if one["phase"] == "over"])
        assert after - before in {0, 1}
        assert (await alarms(world, path))[-1] == ("stay_end", 96)
        assert await world.promises() == {}
        await world.step(path.replace("/stay", "/complete"), {"outcome": "need_met"})


async def test_an_end_that_was_found_due_does_not_ring_after_an_extension(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """The extension commits between the look for due clocks and their lock. Seen to fail with `due_at <= $4` taken out
    of `_LOCK_DUE`."""
    _, _, path = await staying(world)
    await world.pass_time(hours=61)
    world.clock.passed += timedelta(hours=12)
    found = clocks.due

    async def found_then_overtaken(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(clocks, "due", found)
        due = await found(*given, **named)
        assert "stay_end" in [one.kind for one in due]
        assert (await world.step(f"{path}/extend", {"hours": 24, "reason": "No bus"})).status_code == 200
        return due

    monkeypatch.setattr(clocks, "due", found_then_overtaken)
    assert await world.clockwork.fire_once() == 0
    assert "over" not in [one["phase"] for one in await world.published("stay.ending.v1")]


@pytest.mark.parametrize("end", ENDS)
async def test_every_end_of_the_referral_ends_the_stay_and_its_clocks(world: World, end: str):
    """Seen to fail with `stay_steps.end` taken out of `referral_steps._end`."""
    _, _, path = await staying(world)
    assert (await world.step(path.replace("stay", end), ENDS[end])).status_code == 200
    stay = await world.ask(path)
    assert stay["ended_at"] is not None
    assert await alarms(world, path) == []
    await world.pass_time(hours=100)
    assert await world.published("stay.ending.v1") == []
    answer = await world.step(f"{path}/extend", {"hours": 24, "reason": "No bus"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "step-not-allowed")
    assert (problem["subject"], problem["step"]) == ("referral", "extend_stay")


@pytest.mark.parametrize(
    ("end", "by_staff", "status"),
    [("complete", True, 200), ("complete", False, 403), ("cancel", True, 200), ("not-delivered", True, 409),
     ("enter-in-error", True, 409)],
)  # fmt: skip
async def test_after_the_end_only_staff_learn_where_people_went(world: World, end: str, by_staff: bool, status: int):
    _, shelter, path = await staying(world)
    await world.step(path.replace("stay", end), ENDS[end])
    answer = await plan(world, path, DONE, headers=world.staff() if by_staff else world.partner(shelter))
    assert answer.status_code == status


async def test_a_need_routed_again_has_a_stay_of_its_own(world: World):
    returnee, _, path = await staying(world)
    await world.step(path.replace("stay", "not-delivered"), {"reason": "provider_unable"})
    second = await world.provider(max_stay_hours=48)
    await world.round()
    offer = await world.offer_of(returnee)
    assert offer["provider_service_id"] == second.service_id
    for step in (f"offers/{offer['offer_id']}/accept", f"referrals/{offer['referral_id']}/start"):
        await world.step(step, headers=world.partner(second))
    stays = await world.rows("SELECT ended_at IS NULL AS running FROM stay WHERE returnee_id = $1 ORDER BY 1", returnee)
    assert [one["running"] for one in stays] == [False, True]
    assert (await world.client.get(f"/v1/{path}", headers=world.partner(second))).status_code == 404
    assert await world.promises() == {}


async def test_a_stay_is_changed_in_the_states_that_the_table_names(world: World):
    """Every state of the referral, legal and illegal."""
    _, _, path = await staying(world)
    changes = {
        ReferralStep.EXTEND_STAY: lambda: world.step(f"{path}/extend", {"hours": 1, "reason": "No bus"}),
        ReferralStep.PLAN_EXIT: lambda: plan(world, path, DONE, tag="*"),
    }
    for state in ReferralStatus:
        async with world.database.transaction() as session:
            await (await raw(session)).execute("UPDATE referral SET status = $1", state)
        for step, change in changes.items():
            answer = await change()
            if (state, step) in NEXT_REFERRAL:
                assert answer.status_code == 200, (state, step, answer.text)
            else:
                assert (answer.status_code, answer.json()["code"]) == (409, "step-not-allowed"), (state, step)
