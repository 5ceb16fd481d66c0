"""A stay of 72 hours: exit plan from hour 0, alarms at 24, 48 and 60, and its end."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.chassis.database import raw
from services.referral.app import clockwork
from tests.service.referral import making
from tests.service.referral.staying import DONE, ITEMS, alarms, plan, staying
from tests.service.referral.world import World


async def test_a_stay_begins_with_its_service_and_has_an_open_plan_and_four_clocks(world: World):
    """Seen to fail with `stay_steps.begin` taken out of `referral_steps.start`."""
    _, shelter, path = await staying(world)
    stay = await world.ask(path, headers=world.partner(shelter))
    assert (stay["next_step"], stay["planned"], stay["ended_at"], stay["people_count"]) == ("unknown", False, None, 1)
    assert {name: one["status"] for name, one in stay["items"].items()} == dict.fromkeys(ITEMS, "open")
    begun, ends = (datetime.fromisoformat(stay[name]) for name in ("started_at", "ends_at"))
    assert ends - begun == timedelta(hours=72)
    assert await alarms(world, path) == [("stay_alarm", 24), ("stay_alarm", 48), ("stay_alarm", 60), ("stay_end", 72)]
    assert await world.promises() == {}


async def test_a_service_without_a_longest_stay_is_no_stay(world: World):
    _, _, path = await staying(world, await world.provider())
    answer = await world.client.get(f"/v1/{path}", headers=world.staff())
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    kinds = await world.rows("SELECT kind FROM timer WHERE subject_id = $1", UUID(path.split("/")[1]))
    assert {row["kind"] for row in kinds} == {"report_deadline", "report_reminder"}


async def test_the_pack_bounds_the_stay_of_children_whatever_the_directory_says(world: World):
    shelter = await world.provider(service_type="child_shelter", max_stay_hours=500)
    _, _, path = await staying(world, shelter)
    assert (await alarms(world, path))[-1] == ("stay_end", 72)
    answer = await world.step(f"{path}/extend", {"hours": 1, "reason": "No family found"})
    assert (answer.status_code, answer.json()["code"], answer.json()["hours_left"]) == (409, "extension-too-long", 0)


async def test_a_short_stay_has_only_the_alarms_that_lie_within_it(world: World):
    _, _, path = await staying(world, await world.provider(max_stay_hours=24))
    assert await alarms(world, path) == [("stay_alarm", 12), ("stay_end", 24)]


async def test_72_hours_with_nothing_planned(world: World):
    """The story of domain C1: told at 24, 48, 60 and 72 hours; from 48 on a desk owns the need; the bed stays taken."""
    returnee, shelter, path = await staying(world)
    told: list[tuple[int, bool]] = []
    for hours in (23, 2, 22, 2, 10, 2, 10, 2, 100):
        await world.pass_time(hours=hours)
        owner = (await world.need_of(returnee))["owner"]
        told.append((len(await world.published("stay.ending.v1")), owner is not None))
    assert [count for count, _ in told] == [0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert [owned for _, owned in told] == [False] * 3 + [True] * 6
    named = await world.rows("SELECT reason FROM step WHERE step = 'need.assign' ORDER BY step_id LIMIT 1")
    assert [one["reason"] for one in named] == ["stay_ending"], "later a silent desk is followed by the one above it"
    events = await world.published("stay.ending.v1")
    assert [one["phase"] for one in events] == ["nearing", "nearing", "nearing", "over"]
    ends_at = (await world.ask(path))["ends_at"]
    assert {datetime.fromisoformat(one["ends_at"]) for one in events} == {datetime.fromisoformat(ends_at)}
    assert {one["organization_id"] for one in events} == {str(shelter.organization_id)}
    need, pool = await world.need_of(returnee), await world.pool(shelter)
    assert (need["status"], pool["taken"]) == ("open", 1)
    assert (await world.referral_of(returnee))["status"] == "in_service"
    statement = "SELECT reason FROM step WHERE step = 'referral.alarm_stay' ORDER BY step_id"
    assert [one["reason"] for one in await world.rows(statement)] == ["alarm_1", "alarm_2", "alarm_3"]
    assert len(await world.rows("SELECT 1 FROM step WHERE step = 'referral.run_out'")) == 1
    assert await world.promises() == {}


async def test_with_a_plan_without_gaps_no_desk_is_called_before_the_end(world: World):
    """Seen to fail with `not stay.is_planned` taken out of `stay_steps.alarm`."""
    returnee, shelter, path = await staying(world)
    answer = await plan(world, path, DONE, headers=world.partner(shelter))
    assert (answer.status_code, answer.json()["planned"]) == (200, True)
    await world.pass_time(hours=61)
    assert len(await world.published("stay.ending.v1")) == 1, "alarms that are late ring once"
    assert (await world.need_of(returnee))["owner"] is None
    await world.pass_time(hours=11, minutes=1)
    assert (await world.need_of(returnee))["owner_reason"] == "stay_ending", "72 hours are over whatever is planned"
    assert await world.promises() == {}


async def test_after_downtime_over_the_end_only_the_end_is_told(world: World):
    """Seen to fail with the comparison with the end taken out of `ring_alarms`."""
    await staying(world)
    await world.pass_time(hours=80)
    assert [one["phase"] for one in await world.published("stay.ending.v1")] == ["over"]


async def test_several_workers_fire_the_clocks_of_stays_once(world: World):
    shelter = await world.provider(places=30, max_stay_hours=72)
    for _ in range(12):
        await staying(world, shelter)
    world.clock.passed += timedelta(hours=25)
    workers = [clockwork(world.database, world.policy) for _ in range(4)]
    while sum(await asyncio.gather(*(worker.fire_once(limit=5) for worker in workers))):
        pass
    assert len(await world.published("stay.ending.v1")) == 12


async def test_a_desk_lets_go_once_the_plan_has_no_gaps(world: World):
    """Seen to fail with `_let_go` taken out of `stay_steps.plan`."""
    returnee, shelter, path = await staying(world)
    await world.pass_time(hours=49)
    assert (await world.need_of(returnee))["owner"] == "lead"
    await plan(world, path, {**DONE, "next_step": "unknown"}, headers=world.partner(shelter))
    assert (await world.need_of(returnee))["owner"] == "lead", "nobody knows where they go"
    await plan(world, path, DONE, headers=world.partner(shelter))
    assert (await world.need_of(returnee))["owner"] is None
    assert await world.promises() == {}


async def test_a_plan_keeps_who_changed_what_and_shows_it_to_staff(world: World):
    _, shelter, path = await staying(world)
    partner = world.partner(shelter)
    first = {"next_step": "unknown", "items": {**dict.fromkeys(ITEMS, "open"), "money": "done"}}
    await plan(world, path, first, headers=partner)
    await plan(world, path, {**DONE, "items": {**DONE["items"], "documents": "not_needed"}})
    seen = (await world.ask(path))["items"]
    assert seen["money"]["by"] == f"partner-{shelter.organization_id}"
    assert (seen["documents"]["status"], seen["documents"]["by"]) == ("not_needed", "desk")
    assert seen["money"]["at"] < seen["documents"]["at"]
    assert {one["by"] for one in (await world.ask(path, headers=partner))["items"].values()} == {None}
    steps = await world.rows("SELECT reason FROM step WHERE step = 'referral.plan_exit' ORDER BY step_id")
    assert [one["reason"] for one in steps] == [
        "money:done",
        "family_reached:done",
        "transport:done",
        "next_address:done",
        "documents:not_needed",
        "next_step:family",
    ]


async def test_a_plan_is_changed_only_by_who_has_seen_it(world: World):
    _, shelter, path = await staying(world)
    partner = world.partner(shelter)
    bare = await world.client.put(f"/v1/{path}", json=DONE, headers=partner)
    assert (bare.status_code, bare.json()["code"]) == (428, "precondition-required")
    assert (await plan(world, path, DONE, headers=partner, tag='"1"')).headers["ETag"] == '"2"'
    late = await plan(world, path, {**DONE, "next_step": "own_home"}, headers=partner, tag='"1"')
    assert (late.status_code, late.json()["code"]) == (412, "version-mismatch")
    assert (await world.ask(path))["next_step"] == "family"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"next_step": "12 Example Street"}, "/next_step"),
        ({"items": {**DONE["items"], "money": "some"}}, "/items/money"),
        ({"items": {"money": "done"}}, "/items/family_reached"),
        ({"note": "calls his sister"}, "/note"),
    ],
)
async def test_a_plan_holds_codes_only(world: World, change: dict[str, Any], pointer: str):
    _, _, path = await staying(world)
    answer = await plan(world, path, {**DONE, **change})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert (await world.ask(path))["version"] == 1


async def test_a_household_of_four_is_one_stay(world: World):

    shelter = await world.provider(places=10, max_stay_hours=72)
    household, members = uuid4(), [await world.person() for _ in range(4)]
    await world.hear(
        making.household(household, members),
        *[making.registered(one, version=2, household_id=household) for one in members],
        making.need(members[0], household_id=household, people_count=4),
    )
    await world.round()
    offer = await world.offer_of(members[0])
    for step in (f"offers/{offer['offer_id']}/accept", f"referrals/{offer['referral_id']}/start"):
        await world.step(step, headers=world.partner(shelter))
    stays = await world.rows("SELECT people_count FROM stay")
    assert [one["people_count"] for one in stays] == [4]


@pytest.mark.parametrize(
    "breakage",
    ["DELETE FROM timer WHERE kind = 'stay_end'", "UPDATE referral SET status = 'completed'"],
    ids=["no clock", "ended"],
)
async def test_a_stay_that_nobody_watches_breaks_a_promise(world: World, breakage: str):
    await staying(world)
    assert await world.promises() == {}
    async with world.database.transaction() as session:
        await (await raw(session)).execute(breakage)
    assert (await world.promises())["every_stay_is_watched"] == 1
