"""A provider's clocks stand still while it is closed, where the pack says so (domain 1C)."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from libs.events.codes import Urgency
from tests.service.referral.world import World

ZONE = ZoneInfo("America/Guatemala")
OFFICE: dict[str, Any] = {"shelter": {"working_hours": ["acknowledge", "answer", "start"]}}


def in_three_days() -> date:
    return datetime.now(ZONE).date() + timedelta(days=3)


def openings(*days: date) -> list[dict[str, int]]:
    return [{"weekday": day.isoweekday(), "opens_minute": 480, "closes_minute": 960} for day in days]


def eight_on(day: date) -> datetime:
    return datetime.combine(day, time(8), tzinfo=ZONE).astimezone(UTC)


async def an_offer(world: World, *days: date) -> dict[str, Any]:
    shelter = await world.provider(openings=openings(*days))
    returnee = await world.person({})
    assert await world.round() == 1
    return await world.offer_of(returnee) | {"provider": shelter}


async def test_an_offer_to_a_closed_office_is_answered_within_an_hour_of_its_opening(new_world):
    """Taken out: `working_hours` in `due_at_provider` (the offer expired in the night)."""
    async with new_world(categories=OFFICE) as world:
        offer = await an_offer(world, in_three_days())
        assert offer["answer_by"] == eight_on(in_three_days()) + timedelta(hours=1)
        reminder = await world.row("SELECT due_at FROM timer WHERE kind = 'offer_reminder'")
        assert reminder["due_at"] == eight_on(in_three_days()) + timedelta(minutes=30)
        # Routing within its own time has no hours: nobody at the office is waited for.
        await world.pass_time(days=2)
        assert (await world.offer_of(offer["returnee_id"]))["status"] == "pending"


async def test_a_holiday_of_the_pack_is_left_out(new_world):
    async with new_world(categories=OFFICE, holidays={"days": [in_three_days()]}) as world:
        offer = await an_offer(world, in_three_days())
        assert offer["answer_by"] == eight_on(in_three_days() + timedelta(days=7)) + timedelta(hours=1)


async def test_a_start_is_due_after_a_day_of_open_hours(new_world):
    """Accepted on a day off: 24 hours of work are three days of eight. Taken out: `_keeping_hours`."""
    async with new_world(categories=OFFICE) as world:
        days = [in_three_days() + timedelta(days=more) for more in range(3)]
        offer = await an_offer(world, *days)
        await world.step(f"offers/{offer['offer_id']}/accept", headers=world.partner(offer["provider"]))
        due = await world.row("SELECT due_at FROM timer WHERE kind = 'start_deadline'")
        assert due["due_at"] == eight_on(days[-1]) + timedelta(hours=8)


async def test_an_emergency_never_waits_for_opening_hours(new_world):
    """Taken out: the emergency in `runs_in_working_hours`."""
    async with new_world(categories=OFFICE) as world:
        await world.provider(openings=openings(in_three_days()))
        returnee = await world.person({"urgency": Urgency.EMERGENCY})
        assert await world.round() == 0, "closed for as long as an emergency's offer would stand"
        always = await world.provider(place="GT13")
        await world.pass_time(minutes=11)
        assert await world.round() == 1
        offer = await world.offer_of(returnee)
        assert offer["provider_service_id"] == always.service_id
        assert offer["answer_by"] - offer["made_at"] == timedelta(hours=1)
