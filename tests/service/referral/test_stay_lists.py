"""Who sees a stay, who leaves today, and who leaves with no next step."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.chassis.database import raw
from libs.events.codes import ProtectionFlag
from services.referral.stays import queries
from tests.service.referral.staying import DONE, ENDS, ITEMS, plan, staying
from tests.service.referral.world import World


async def test_a_stay_is_seen_by_its_provider_and_the_network_only(world: World):
    """Seen to fail with the organisation taken out of `_SEEN`."""
    _, shelter, path = await staying(world)
    other = world.partner(await world.provider())
    assert (await world.client.get(f"/v1/{path}", headers=other)).status_code == 404
    assert (await plan(world, path, DONE, headers=other, tag="*")).status_code == 404
    assert (await world.ask("stays", headers=other))["items"] == []
    (mine,) = (await world.ask("stays", headers=world.partner(shelter)))["items"]
    assert f"referrals/{mine['referral_id']}/stay" == path
    assert "returnee_id" not in mine


async def test_a_restricted_stay_does_not_exist_for_ordinary_staff(world: World):
    """Seen to fail with `restricted` taken out of `_WATCHED`, `_COUNTS` and `_SEEN`, one by one."""
    shelter = await world.provider(category="gbv", restricted=True, max_stay_hours=72)
    returnee = await world.person({"category": "gbv"}, protection_flags=[ProtectionFlag.RESTRICTED_PATH])
    boss = world.staff(restricted=True)
    for review in (await world.ask("reviews", headers=boss, status="pending"))["items"]:
        await world.step(f"reviews/{review['id']}/approve", {}, headers=boss)
    await world.round()
    offer = await world.offer_of(returnee)
    partner = world.partner(shelter, restricted=True)
    for step in (f"offers/{offer['offer_id']}/accept", f"referrals/{offer['referral_id']}/start"):
        assert (await world.step(step, headers=partner)).status_code == 200
    path = f"referrals/{offer['referral_id']}/stay"
    lists = ("stays", "work-lists/leaving-without-next-step", "work-lists/exits-today")
    world.clock.passed += timedelta(hours=73)
    assert (await world.client.get(f"/v1/{path}", headers=world.staff())).status_code == 404
    assert (await world.step(f"{path}/extend", {"hours": 9, "reason": "No bus"})).status_code == 404
    for one in lists:
        assert (await world.ask(one))["items"] == []
        assert len((await world.ask(one, headers=boss))["items"]) == 1
    assert set((await world.ask("work-lists/stay-counts")).values()) == {0}
    assert (await world.ask("work-lists/stay-counts", headers=boss))["running"] == 1


NEXT_STEP, TODAY = "work-lists/leaving-without-next-step", "work-lists/exits-today"


async def listed(world: World, path: str, **query: Any) -> list[str]:
    """The paths of the stays on a list, in its order."""
    return [f"referrals/{one['referral_id']}/stay" for one in (await world.ask(path, **query))["items"]]


async def until_noon(world: World) -> None:
    """It is noon in Guatemala, where a day begins at six in the morning, UTC."""
    now = datetime.now(UTC)
    noon = now.replace(hour=18, minute=0, second=0, microsecond=0)
    world.clock.passed += noon - now + timedelta(days=1)


async def test_who_leaves_with_no_next_step_is_listed_before_and_after_until_the_plan_has_no_gaps(world: World):
    """Seen to fail with `without_next_step` taken out of `leaving_statement`, and with `plan` not setting it."""
    _, shelter, path = await staying(world)
    _, _, planned = await staying(world, shelter)
    await plan(world, planned, DONE)
    assert await listed(world, NEXT_STEP) == [], "the end is far"
    assert await listed(world, NEXT_STEP, within_hours=73) == [path]
    await world.pass_time(hours=49)
    (entry,) = (await world.ask(NEXT_STEP))["items"]
    assert (entry["open_items"], entry["next_step"]) == (list(ITEMS), "unknown")
    assert (entry["desk"], entry["over"]) == ("lead", False)
    await world.step(path.replace("/stay", "/complete"), {"outcome": "need_met"}, headers=world.partner(shelter))
    (entry,) = (await world.ask(NEXT_STEP))["items"]
    assert entry["leaves_at"] == entry["ended_at"] is not None
    assert await listed(world, NEXT_STEP, still_there=True) == []
    assert await listed(world, NEXT_STEP, still_there=False) == [path]
    await world.pass_time(hours=1000)
    assert path in await listed(world, NEXT_STEP), "nobody is forgotten"
    await plan(world, path, {**DONE, "next_step": "not_told"})
    assert path not in await listed(world, NEXT_STEP)


@pytest.mark.parametrize(
    ("end", "listed_then"),
    [("complete", True), ("cancel", True), ("not-delivered", False), ("enter-in-error", False), ("duplicate", False)],
)
async def test_only_who_leaves_is_listed(world: World, end: str, listed_then: bool):
    """Seen to fail with `leaving` always true in `stay_steps.end`."""
    _, _, path = await staying(world)
    body = {"reason": "duplicate"} if end == "duplicate" else ENDS[end]
    answer = await world.step(path.replace("stay", "cancel" if end == "duplicate" else end), body)
    assert answer.status_code == 200
    assert await listed(world, NEXT_STEP) == ([path] if listed_then else [])


@pytest.mark.parametrize(("reason", "listed_then"), [("lost_contact", True), ("died", False)])
async def test_a_need_that_is_closed_ends_the_stay(world: World, reason: str, listed_then: bool):
    """Seen to fail, for those who died, with the need's own reason left out of `stay_steps.end`."""
    returnee, _, path = await staying(world)
    need = (await world.need_of(returnee))["need_id"]
    assert (await world.step(f"needs/{need}/close", {"reason": reason})).status_code == 200
    assert (await world.ask(path))["ended_at"] is not None
    assert await listed(world, NEXT_STEP) == ([path] if listed_then else [])


async def test_a_completed_stay_entered_in_error_leaves_the_list_and_keeps_when_it_ended(world: World):
    _, _, path = await staying(world)
    await world.step(path.replace("stay", "complete"), {"outcome": "need_met"})
    ended_at = (await world.ask(path))["ended_at"]
    await world.pass_time(hours=1)
    await world.step(path.replace("stay", "enter-in-error"), {})
    assert await listed(world, NEXT_STEP) == []
    assert (await world.ask(path))["ended_at"] == ended_at


async def test_exits_of_today_are_counted_in_the_receptions_days(world: World):
    """At noon a stay of 8 hours ends today, one of 13 tomorrow. Seen to fail with UTC for the pack's zone."""
    await until_noon(world)
    _, _, today = await staying(world, await world.provider(max_stay_hours=8))
    long = await world.provider(max_stay_hours=13, place="GT13")
    _, _, tomorrow = await staying(world, long, avoid_places=["GT01"])
    assert await listed(world, TODAY) == [today]
    await world.pass_time(hours=14)
    assert await listed(world, TODAY) == [today, tomorrow], "who should have left yesterday is still there"
    assert [one["over"] for one in (await world.ask(TODAY))["items"]] == [True, True]
    await world.step(today.replace("stay", "complete"), {"outcome": "need_met"})
    assert await listed(world, TODAY) == [tomorrow, today], "it has ended today"
    await world.pass_time(hours=24)
    assert await listed(world, TODAY) == [tomorrow]


async def test_lists_have_pages_desks_and_counts(world: World):
    shelter = await world.provider(places=10, max_stay_hours=72)
    paths = [(await staying(world, shelter))[2] for _ in range(5)]
    await world.pass_time(hours=73)
    for path in (NEXT_STEP, TODAY, "stays"):
        seen: list[str] = []
        query: dict[str, Any] = {"limit": 2}
        while True:
            page = await world.ask(path, **query)
            seen += [f"referrals/{one['referral_id']}/stay" for one in page["items"]]
            if page["next"] is None:
                break
            query["after"] = page["next"]
        assert seen == paths
    assert await listed(world, NEXT_STEP, desk="lead") == paths
    assert await listed(world, TODAY, desk="child-desk") == []
    need = (await world.row("SELECT need_id FROM stay WHERE referral_id = $1", UUID(paths[0].split("/")[1])))["need_id"]
    await world.step(f"needs/{need}/assign", {"owner": "child-desk"})
    assert await listed(world, TODAY, desk="child-desk") == [paths[0]]
    assert await listed(world, NEXT_STEP, desk="lead") == paths[1:]
    counts = await world.ask("work-lists/stay-counts")
    assert counts == {"running": 5, "over": 5, "exits_today": 5, "leaving_without_next_step": 5}
    assert (await world.ask("work-lists/stay-counts", desk="child-desk"))["running"] == 1


async def test_the_lists_are_for_staff(world: World):
    headers = world.issuer.headers("work-lists:read", organization_id=uuid4(), client_id="partner")
    for path in (NEXT_STEP, TODAY, "work-lists/stay-counts"):
        answer = await world.client.get(f"/v1/{path}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "staff-only")


_MANY = """
INSERT INTO stay (referral_id, offer_id, need_id, returnee_id, organization_id, provider_service_id, category,
    service_type, people_count, restricted, started_at, ends_at, extended_hours, ended_at, leaves_at, next_step,
    checklist, without_next_step, version)
SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
    'shelter', 'temporary_shelter', 1, false, at - interval '3 days', at, 0, ended, coalesce(ended, at), 'unknown',
    '{}', nth % 50 = 0, 1
FROM (SELECT nth, $1::timestamptz - nth * interval '1 hour' AS at,
    CASE WHEN nth > 100 THEN $1::timestamptz - nth * interval '1 hour' END AS ended
    FROM generate_series(-72, 40000) AS nth) AS made
"""


STATEMENTS = {
    "exits": (queries.EXITS, {"ix_stay_running", "ix_stay_ended"}),
    "leaving": (queries.leaving_statement(still_there=None), {"ix_stay_leaving"}),
    "left": (queries.leaving_statement(still_there=False), {"ix_stay_leaving"}),
    "still there": (queries.leaving_statement(still_there=True), {"ix_stay_running"}),
}


@pytest.mark.parametrize(("statement", "indexes"), STATEMENTS.values(), ids=STATEMENTS.keys())
async def test_the_lists_read_their_indexes_however_many_stays_have_ended(
    world: World, statement: str, indexes: set[str]
):
    """Seen to fail, each, with its index dropped."""
    now = datetime.now(UTC)
    until = [now, now + timedelta(days=1)] if "$8" in statement else [now + timedelta(days=1)]
    async with world.database.transaction() as session:
        connection = await raw(session)
        await connection.execute(_MANY, now)
        await connection.execute("ANALYZE stay")
        rows = await connection.fetch(f"EXPLAIN {statement}", True, None, ["shelter"], *queries.BEGINNING, *until, 51)
    plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan on stay" not in plan, plan
    assert all(index in plan for index in indexes), plan
