"""The invariants are seen to fail when what they watch is broken on purpose."""

import pytest

from libs.chassis.database import raw
from tests.service.referral.world import World

BREAKAGES = {
    "every_open_need_is_attended": "DELETE FROM timer",
    "ledger_agrees_with_holds": "UPDATE pool SET held = held + 1",
    "no_hold_leaks": "UPDATE offer SET status = 'expired'",
    "no_clock_is_overdue": "UPDATE timer SET due_at = due_at - interval '30 days'",
    "no_offer_is_orphaned": "UPDATE referral SET offer_id = NULL",
}


@pytest.mark.parametrize(("promise", "breakage"), BREAKAGES.items(), ids=BREAKAGES.keys())
async def test_a_broken_promise_is_counted(world: World, promise: str, breakage: str):
    await world.provider()
    await world.person({})
    await world.round()
    assert await world.promises() == {}
    async with world.database.transaction() as session:
        await (await raw(session)).execute(breakage)
    broken = await world.promises()
    assert broken[promise] == 1 or promise == "no_clock_is_overdue"
    assert promise in broken


async def test_a_need_with_neither_clock_nor_owner_is_found_in_every_state(world: World):
    returnee = await world.person({})
    await world.round()
    assert await world.promises() == {}
    async with world.database.transaction() as session:
        await (await raw(session)).execute("UPDATE need SET owner = NULL, owner_reason = NULL")
    assert await world.promises() == {"every_open_need_is_attended": 1}
    assert (await world.referral_of(returnee))["status"] == "seeking"
