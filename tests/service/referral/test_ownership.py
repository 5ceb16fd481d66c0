"""Needs change hands: one person's, chosen ones, a whole desk; and a deputy sees the work of who is away."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from libs.chassis.database import raw
from services.referral.journeys.facts import Need
from services.referral.journeys.work import Work
from services.referral.ownership import actions
from services.referral.ownership.loop import HandOvers
from services.referral.steps.owners import hand_over as hand_over_one
from tests.events.bus import until
from tests.service.referral.world import STAFF, World


def of_desk(world: World, *desks: str) -> dict[str, str]:
    return world.issuer.headers(STAFF, client_id="somebody", desks=desks)


async def hand_over(world: World, key: str | None = None, *, restricted: bool = False, **body: Any) -> httpx.Response:
    asked = {"from": "lead", "to": "steward", "reason": "The desk closes for the week", **body}
    headers = world.staff(restricted=restricted) | {"Idempotency-Key": key or str(uuid4())}
    return await world.client.post("/v1/work-lists/hand-over", json=asked, headers=headers)


async def owners(world: World) -> dict[UUID, str]:
    return {row["need_id"]: row["owner"] for row in await world.rows("SELECT need_id, owner FROM need")}


async def test_a_whole_desk_is_handed_over_in_parts_and_every_need_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Parts of three: the first in the call, the others by the loop. Restricted needs stay without their scope."""
    monkeypatch.setattr(actions, "NEEDS_MAX", 3)
    for _ in range(7):
        await world.person({})
    hidden = (await world.need_of(await world.person({"category": "gbv"})))["need_id"]
    await world.round()
    assert set((await owners(world)).values()) == {"lead"}
    begun = await hand_over(world, "one")
    assert begun.status_code == 201, begun.text
    assert (begun.json()["moved_count"], begun.json()["finished_at"]) == (3, None)
    loop = HandOvers(world.database, world.policy)
    while await loop.move_once():
        pass
    done = await world.ask(f"work-lists/hand-overs/{begun.json()['id']}")
    assert (done["moved_count"], done["finished_at"] is not None) == (7, True)
    assert sorted((await owners(world)).values()) == ["lead"] + ["steward"] * 7
    assert (await owners(world))[hidden] == "lead"
    steps = await world.rows("SELECT text, actor FROM step JOIN note USING (note_id) WHERE step = 'need.hand_over'")
    assert len(steps) == 7
    assert {row["text"] for row in steps} == {"The desk closes for the week"}
    told = [one for one in await world.published("need.assigned.v1") if one["owner"] == "steward"]
    assert {one["reason"] for one in told} == {"by_hand"}
    assert len(told) == 7
    again = await hand_over(world, "one")
    assert (again.json()["id"], again.headers["Idempotency-Replayed"]) == (begun.json()["id"], "true")
    assert await world.promises() == {}


async def test_a_part_that_breaks_off_moves_nothing_and_is_begun_again(world: World, monkeypatch: pytest.MonkeyPatch):
    """A part is one transaction: its needs, their record and the count of the hand-over, or none of them."""
    monkeypatch.setattr(actions, "NEEDS_MAX", 2)
    for _ in range(5):
        await world.person({})
    await world.round()
    begun = await hand_over(world)
    loop = HandOvers(world.database, world.policy)
    moved = 0

    def breaking(piece: Work, need: Need, **asked: Any) -> None:
        nonlocal moved
        moved += 1
        if moved == 2:
            raise ConnectionResetError
        hand_over_one(piece, need, **asked)

    with monkeypatch.context() as broken:
        broken.setattr(actions.owners, "hand_over", breaking)
        with pytest.raises(ConnectionResetError):
            await loop.move_once()
    assert sorted((await owners(world)).values()) == ["lead"] * 3 + ["steward"] * 2
    while await loop.move_once():
        pass
    done = await world.ask(f"work-lists/hand-overs/{begun.json()['id']}")
    assert (done["moved_count"], done["finished_at"] is not None) == (5, True)
    assert len(await world.rows("SELECT FROM step WHERE step = 'need.hand_over'")) == 5
    assert await world.promises() == {}


async def test_a_hand_over_that_a_worker_has_in_hand_is_left_to_it(world: World):
    """Without `FOR UPDATE SKIP LOCKED` in `_CLAIM` another moves the same part, or waits for its end."""
    await world.person({})
    await world.round()
    begun = await hand_over(world)
    loop = HandOvers(world.database, world.policy)
    async with world.database.transaction() as session:
        connection = await raw(session)
        await connection.execute("UPDATE hand_over SET finished_at = NULL, moved_count = 0")
    async with world.database.transaction() as session:
        await (await raw(session)).execute("SELECT FROM hand_over FOR UPDATE")
        assert await asyncio.wait_for(loop.move_once(), timeout=15) is False
    assert await loop.move_once() is True
    assert (await world.ask(f"work-lists/hand-overs/{begun.json()['id']}"))["finished_at"] is not None


async def test_a_need_that_changed_hands_meanwhile_stays_with_its_new_owner(world: World):
    """Without the second look at the owner in `_move`, under the journey's lock, it is taken from them again."""
    returnee = await world.person({})
    await world.round()
    async with world.database.transaction() as session:
        connection = await raw(session)
        await connection.execute("SELECT FROM journey WHERE returnee_id = $1 FOR UPDATE", returnee)
        asked = asyncio.create_task(hand_over(world))
        await waiting_for_a_lock(world)
        await connection.execute("UPDATE need SET owner = 'child-desk' WHERE returnee_id = $1", returnee)
    assert (await asked).json()["moved_count"] == 0
    assert (await world.need_of(returnee))["owner"] == "child-desk"


async def waiting_for_a_lock(world: World) -> None:
    connection = await asyncpg.connect(world.url)
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    async def somebody() -> bool:
        return bool(await connection.fetchval(waits))

    try:
        await until(somebody)
    finally:
        await connection.close()


async def test_one_persons_needs_or_chosen_ones_are_handed_over_and_no_others(world: World):
    one = await world.person({}, {"category": "food"})
    other = await world.person({})
    third = await world.person({})
    await world.round()
    assert (await hand_over(world, returnee_id=str(one))).json()["moved_count"] == 2
    chosen = [str((await world.need_of(other))["need_id"]), str(uuid4())]
    assert (await hand_over(world, need_ids=chosen)).json()["moved_count"] == 1
    assert (await hand_over(world, need_ids=chosen)).json()["moved_count"] == 0
    assert (await world.need_of(third))["owner"] == "lead"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"to": "nobody-here"}, "/to"),
        ({"from": "nobody-here"}, "/from"),
        ({"to": "lead"}, "/to"),
        ({"returnee_id": str(uuid4()), "need_ids": [str(uuid4())]}, ""),
        ({"reason": "  "}, "/reason"),
    ],
    ids=["no-such-desk", "no-such-owner", "itself", "both", "no-reason"],
)
async def test_a_hand_over_that_makes_no_sense_moves_nothing_and_names_the_field(world: World, change, pointer):
    refused = await hand_over(world, **change)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-input")
    assert pointer in {error["pointer"] for error in refused.json()["errors"]}
    assert await world.rows("SELECT FROM hand_over") == []


async def away(
    world: World, desk: str, deputy: str, *, start: timedelta, end: timedelta, reason: str = "leave"
) -> httpx.Response:
    at = datetime.now(UTC)
    body = {
        "deputy": deputy,
        "starts_at": (at + start).isoformat(),
        "ends_at": (at + end).isoformat(),
        "reason": reason,
    }
    headers = world.staff() | {"Idempotency-Key": str(uuid4())}
    return await world.client.post(f"/v1/desks/{desk}/absences", json=body, headers=headers)


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def test_a_deputy_sees_the_work_of_the_desk_while_it_is_away_through_a_chain_too(world: World):
    """Owners stay. Without the recursion in `_COVERED` the deputy's deputy sees nothing of the first desk."""
    await world.person({})
    await world.round()

    async def seen(*desks: str) -> int:
        return len((await world.ask("work-lists/mine", headers=of_desk(world, *desks)))["items"])

    assert (await away(world, "lead", "child-desk", start=-HOUR, end=DAY)).status_code == 201
    made = await away(world, "child-desk", "steward", start=-HOUR, end=timedelta(minutes=5))
    assert (await seen("lead"), await seen("child-desk"), await seen("steward")) == (1, 1, 1)
    assert set((await owners(world)).values()) == {"lead"}
    await world.pass_time(minutes=10)
    assert (await seen("child-desk"), await seen("steward")) == (1, 0)
    gone = await world.client.delete(f"/v1/desks/child-desk/absences/{made.json()['id']}", headers=world.staff())
    assert gone.status_code == 404
    (still,) = (await world.ask("desks/lead/absences"))["items"]
    path = f"/v1/desks/lead/absences/{still['id']}"
    assert (await world.client.delete(path, headers=world.staff())).status_code == 204
    assert await seen("child-desk") == 0
    assert (await world.ask("desks/lead/absences"))["items"] == []


async def test_of_two_absences_at_once_the_second_is_judged_against_the_first(world: World):
    """Without `_ONE_AT_A_TIME` neither waits, and each may find nothing that stands against it."""
    async with world.database.transaction() as session:
        await (await raw(session)).execute(actions._ONE_AT_A_TIME)
        both = [
            asyncio.create_task(away(world, "lead", "child-desk", start=HOUR, end=DAY)),
            asyncio.create_task(away(world, "child-desk", "lead", start=HOUR, end=DAY)),
        ]
        await waiting_for_a_lock(world)
        assert await world.rows("SELECT FROM absence") == []
    told = await asyncio.gather(*both)
    assert sorted(one.status_code for one in told) == [201, 409]


async def test_absences_neither_overlap_nor_go_in_a_circle(world: World):
    """Without `overlaps` or `makes_a_circle` in `add_absence` the last ones are entered."""
    assert (await away(world, "lead", "child-desk", start=HOUR, end=DAY)).status_code == 201
    assert (await away(world, "child-desk", "steward", start=HOUR, end=DAY)).status_code == 201
    twice = await away(world, "lead", "steward", start=2 * HOUR, end=3 * HOUR)
    assert (twice.status_code, twice.json()["code"]) == (409, "desk-is-away")
    circle = await away(world, "steward", "lead", start=2 * HOUR, end=3 * HOUR)
    assert (circle.status_code, circle.json()["code"]) == (409, "deputies-in-a-circle")
    assert (await away(world, "steward", "lead", start=DAY, end=2 * DAY)).status_code == 201
    for desk, deputy, status in (("lead", "lead", 422), ("lead", "nobody-here", 422), ("nobody-here", "lead", 404)):
        assert (await away(world, desk, deputy, start=3 * DAY, end=4 * DAY)).status_code == status
    assert (await away(world, "lead", "steward", start=-2 * DAY, end=-DAY)).status_code == 422


@pytest.mark.parametrize(
    ("start", "end", "pointer", "rule"),
    [
        (-400 * DAY, DAY, "/starts_at", "too-long-ago"),
        (DAY, 40_000 * DAY, "/ends_at", "too-far-ahead"),
        (39_999 * DAY, 40_000 * DAY, "/starts_at", "too-far-ahead"),
    ],
    ids=["begun-last-year", "for-ever", "in-a-century"],
)
async def test_an_absence_far_from_our_clock_is_refused(world: World, start, end, pointer, rule):
    refused = await away(world, "lead", "child-desk", start=start, end=end)
    assert refused.status_code == 422
    assert (pointer, rule) in {(error["pointer"], error["rule"]) for error in refused.json()["errors"]}
    assert await world.rows("SELECT FROM absence") == []
