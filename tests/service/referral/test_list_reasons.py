"""Which needs stand on which list, by why they have an owner or how they ended; and in which order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.chassis.database import raw
from libs.events.codes import OwnerReason
from tests.service.referral.test_desk_lists import listed, of_desk
from tests.service.referral.world import World

CHOSEN = {"by_hand", "review_required"}
"""Reasons that are somebody's choice or the ordinary way."""
SERVED = {"report_overdue", "stay_ending"}
"""Reasons with which a provider still takes care of the need."""
LATE = {"routing_overdue", "waitlist_overdue", "report_overdue", "owner_silent"}


async def change(world: World, need_id: UUID, **values: Any) -> None:
    changes = ", ".join(f"{name} = ${n}" for n, name in enumerate(values, 2))
    async with world.database.transaction() as session:
        await (await raw(session)).execute(f"UPDATE need SET {changes} WHERE need_id = $1", need_id, *values.values())


async def owned(world: World, count: int, **need: Any) -> list[UUID]:
    """Needs that nobody can take, so that the lead desk owns them."""
    returnees = [await world.person(need) for _ in range(count)]
    await world.round()
    return [(await world.need_of(one))["need_id"] for one in returnees]


async def test_each_reason_of_an_owner_stands_on_its_lists(world: World):
    """Without either condition on `owner_reason` in `work_lists.queries` the lists hold every need with an owner."""
    by_reason = dict(zip(OwnerReason, await owned(world, len(OwnerReason)), strict=True))
    for reason, need_id in by_reason.items():
        await change(world, need_id, owner_reason=reason.value)
    assert set(await listed(world, "overdue")) == {by_reason[OwnerReason(reason)] for reason in LATE}
    assert set(await listed(world, "escalations")) == {
        need_id for reason, need_id in by_reason.items() if reason.value not in CHOSEN
    }
    for reason, need_id in by_reason.items():
        assert await listed(world, "unmet", reason=reason.value) == [need_id] * (reason.value not in SERVED)
    assert len(await listed(world, "unmet")) == len(by_reason) - len(SERVED)


async def test_my_queue_begins_with_what_is_due_first_and_the_others_with_what_is_owned_longest(world: World):
    """Without an order of its own `mine` is in that of the others."""
    first, second, third = await owned(world, 3)
    for days, one in enumerate((second, third, first)):
        row = await world.row("SELECT owned_since, owner_due_at FROM need WHERE need_id = $1", one)
        await change(
            world, one, owned_since=row["owned_since"] - timedelta(days=days),
            owner_due_at=row["owner_due_at"] + timedelta(days=days),
        )  # fmt: skip
    assert await listed(world, "mine", headers=of_desk(world, "lead")) == [second, third, first]
    assert await listed(world, "escalations") == [first, third, second]


@pytest.mark.parametrize(
    ("status", "reason", "stands"),
    [("closed", "lost_contact", True), ("closed", "entered_in_error", False), ("met", None, False)],
)
async def test_what_ended_without_help_is_unmet_and_told_by_how_it_ended(
    world: World, status: str, reason: str | None, stands: bool
):
    """Without `end_reason` in `unmet` an ended need is not found by its reason."""
    (need_id,) = await owned(world, 1)
    await change(
        world, need_id, status=status, end_reason=reason, owner=None, owner_reason=None, owned_since=None,
        owner_due_at=None, ended_at=(await world.row("SELECT reported_at FROM need"))["reported_at"],
    )  # fmt: skip
    assert await listed(world, "unmet") == [need_id] * stands
    assert await listed(world, "unmet", reason=reason or "other") == [need_id] * stands
    assert await listed(world, "unmet", reason="no_candidate") == []


async def test_restricted_needs_are_unmet_for_those_only_who_may_know(world: World):
    """Without `restricted` in the walks of `unmet` holders of the scope see no restricted need, or others see them."""
    plain = await owned(world, 1)
    restricted = await owned(world, 1, category="gbv")
    assert await listed(world, "unmet") == plain
    assert set(await listed(world, "unmet", headers=world.staff(restricted=True))) == {*plain, *restricted}


async def test_a_desk_narrows_every_list(world: World):
    """Without the condition on `owner`, or without the needs of that desk first, the other desk's stand there too."""
    mine, other = await owned(world, 2)
    await change(world, other, owner="steward", owner_reason="owner_silent")
    await change(world, mine, owner_reason="routing_overdue")
    for path in ("overdue", "escalations", "unmet", "waiting", "due"):
        assert set(await listed(world, path, desk="lead", **({"within": 10_000_000} if path == "due" else {}))) == {
            mine
        }
        assert len(set(await listed(world, path, **({"within": 10_000_000} if path == "due" else {})))) == 2
