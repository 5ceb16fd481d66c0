"""Who has accepted is reminded before the service must begin, and before its outcome must be told (domain 1C)."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from libs.events.codes import NeedCategory, Urgency
from tests.service.referral.test_opening_hours import eight_on, in_three_days, openings
from tests.service.referral.test_promises import breaks
from tests.service.referral.world import Provider, World

HOUR = 3600
WAITS: dict[str, Any] = {
    "start_clocks": {
        Urgency.EMERGENCY: {"within": HOUR, "remind_after": [HOUR / 2]},
        Urgency.URGENT: {"within": 6 * HOUR, "remind_after": [2 * HOUR, 4 * HOUR]},
        Urgency.NORMAL: {"within": 24 * HOUR},
    },
    "report_clocks": {one: {"within": 48 * HOUR, "remind_after": [24 * HOUR]} for one in Urgency},
}


def shelters(**more: Any) -> dict[NeedCategory, Any]:
    return {"shelter": {**WAITS, **more}}


async def accepted(world: World, *open_on: date, urgency: Urgency = Urgency.URGENT) -> tuple[str, Provider]:
    """A referral that a provider has accepted, and the provider."""
    shelter = await world.provider(openings=openings(*open_on)) if open_on else await world.provider()
    returnee = await world.person({"urgency": urgency})
    assert await world.round() == 1
    offer = await world.offer_of(returnee)
    await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(shelter))
    return offer["referral_id"], shelter


async def clocks(world: World, referral_id: str) -> dict[tuple[str, int], datetime]:
    rows = await world.rows("SELECT kind, nth, due_at FROM timer WHERE subject_id = $1", referral_id)
    return {(row["kind"], row["nth"]): row["due_at"] for row in rows}


async def reminded(world: World) -> list[str]:
    return [one["awaits"] for one in await world.published("referral.reminded.v1")]


async def test_a_provider_is_reminded_of_the_start_and_of_the_report_and_then_the_desk_asks(new_world):
    """Taken out: `start_timer(reminder, ...)` in `_start_clock`."""
    async with new_world(categories=shelters()) as world:
        referral_id, shelter = await accepted(world)
        deadline = (await clocks(world, referral_id))["start_deadline", 0]
        await world.pass_time(hours=2, seconds=-5)
        assert await reminded(world) == []
        await world.pass_time(seconds=10)
        await world.pass_time(hours=2)
        first, second = await world.published("referral.reminded.v1")
        assert (first["awaits"], first["organization_id"]) == ("start", str(shelter.organization_id))
        assert datetime.fromisoformat(first["due_by"]) == datetime.fromisoformat(second["due_by"]) == deadline
        await world.step(f"referrals/{referral_id}/start", headers=world.partner(shelter))
        assert set(await clocks(world, referral_id)) == {("report_reminder", 0), ("report_deadline", 0)}
        await world.pass_time(hours=24, seconds=5)
        assert await reminded(world) == ["start", "start", "report"]
        assert [one["owner"] for one in await world.rows("SELECT owner FROM need")] == [None]
        await world.pass_time(hours=24)
        assert [one["owner"] for one in await world.rows("SELECT owner FROM need")] == ["lead"]
        assert await reminded(world) == ["start", "start", "report"]
        assert await world.promises() == {}


async def test_who_has_reported_is_reminded_of_nothing(new_world):
    async with new_world(categories=shelters()) as world:
        referral_id, shelter = await accepted(world)
        await world.step(f"referrals/{referral_id}/start", headers=world.partner(shelter))
        await world.step(f"referrals/{referral_id}/complete", {"outcome": "need_met"}, headers=world.partner(shelter))
        assert await clocks(world, referral_id) == {}
        await world.pass_time(hours=72)
        assert await reminded(world) == []


@pytest.mark.parametrize(("urgency", "hours", "count"), [("emergency", 1, 1), ("urgent", 6, 2), ("normal", 24, 0)])
async def test_each_urgency_has_waits_of_its_own(new_world, urgency: str, hours: int, count: int):
    """Taken out: the urgency in `_start_clock`."""
    async with new_world(categories=shelters()) as world:
        referral_id, _ = await accepted(world, urgency=Urgency(urgency))
        await world.pass_time(hours=hours, seconds=-30)
        assert await reminded(world) == ["start"] * count
        assert await world.rows("SELECT 1 FROM need WHERE owner IS NOT NULL") == []
        await world.pass_time(seconds=35)
        assert (await world.row("SELECT owner_reason FROM need"))["owner_reason"] == "report_overdue"
        assert await clocks(world, referral_id) == {}


async def test_after_downtime_the_desk_asks_and_nobody_is_reminded(new_world):
    """Each clock in a transaction of its own, the reminders first. Taken out: `> piece.at` in `_remind`."""
    async with new_world(categories=shelters()) as world:
        await accepted(world)
        world.clock.passed += timedelta(hours=7)
        while await world.clockwork.fire_once(limit=1):
            pass
        assert await reminded(world) == []
        assert (await world.row("SELECT owner FROM need"))["owner"] == "lead"


async def test_a_reminder_comes_while_the_office_is_open(new_world):
    async with new_world(categories=shelters(working_hours=["answer", "start"])) as world:
        day = in_three_days()
        referral_id, _ = await accepted(world, day, day + timedelta(days=1))
        found = await clocks(world, referral_id)
        assert found["start_reminder", 1] == eight_on(day) + timedelta(hours=4)
        assert found["start_deadline", 0] == eight_on(day) + timedelta(hours=6)


async def test_a_need_with_nothing_but_a_reminder_is_not_attended(new_world):
    """Taken out: `REMINDERS` in the first invariant."""
    async with new_world(categories=shelters()) as world:
        await accepted(world)
        assert await world.promises() == {}
        await breaks(world, "DELETE FROM timer WHERE kind = 'start_deadline'")
        assert await world.promises() == {"every_open_need_is_attended": 1}


async def test_a_desk_s_list_of_what_is_due_shows_deadlines_and_no_reminder(new_world):
    """Taken out: `_REMINDERS` in `work_lists.queries`, either time."""
    async with new_world(categories=shelters()) as world:
        await accepted(world)
        found = await world.ask("work-lists/due", within=12 * HOUR, headers=world.staff())
        assert [one["due"] for one in found["items"]] == ["start_deadline"]
        found = await world.ask("work-lists/waiting", party="provider", headers=world.staff())
        assert [one["due"] for one in found["items"]] == ["start_deadline"]


async def test_a_reminder_that_outlived_its_wait_tells_nobody_and_stops_no_clock(new_world):
    """Taken out: the status in `_remind` (the clocks' loop ended, for a referral in service knows no such wait)."""
    async with new_world(categories=shelters()) as world:
        referral_id, shelter = await accepted(world)
        await world.step(f"referrals/{referral_id}/start", headers=world.partner(shelter))
        await breaks(world, "UPDATE timer SET kind = 'start_reminder' WHERE kind = 'report_reminder'")
        await breaks(world, "UPDATE timer SET kind = 'start_deadline' WHERE kind = 'report_deadline'")
        await world.pass_time(hours=25)
        assert await reminded(world) == []
