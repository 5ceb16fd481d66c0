"""Unmet needs in numbers: by category, area and reason, small cells and restricted categories left out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.chassis.database import raw
from libs.events.codes import NeedCategory
from tests.service.referral.kinds import TAXONOMY
from tests.service.referral.world import World

SUMMARY = "work-lists/unmet/summary"


async def cells(
    world: World, *, restricted: bool = False, **query: Any
) -> dict[tuple[str, str | None, str], int | None]:
    """All cells, page by page of two; every page in order, no cell twice."""
    found: dict[tuple[str, str | None, str], int | None] = {}
    after: dict[str, str] = {}
    while True:
        page = await world.ask(SUMMARY, headers=world.staff(restricted=restricted), limit=2, **query, **after)
        for one in page["items"]:
            key = (one["category"], one["area"], one["reason"])
            assert key not in found
            assert one["suppressed"] is (one["count"] is None)
            found[key] = one["count"]
        if page["next"] is None:
            assert list(found) == sorted(found, key=lambda key: (key[0], key[1] or "", key[2]))
            return found
        after = {"after": page["next"]}


async def people(world: World, count: int, category: NeedCategory, destination: str) -> list[UUID]:
    return [await world.person({"category": category}, destination=destination) for _ in range(count)]


async def test_cells_are_counted_and_small_ones_are_not_told(world: World):
    """The tests' pack tells nothing below three. Without `left_out` in `not_told` the small cell shows its two.

    The other cell of its category is not told either: who knows the sum of both would know the small one.
    """
    await people(world, 5, "shelter", "GT01")
    await people(world, 3, "shelter", "GT12")
    await people(world, 2, "shelter", "GT13")
    await people(world, 4, "food", "GT12")
    await world.round()
    expected = {
        ("food", "GT12", "no_candidate"): 4,
        ("shelter", "GT01", "no_candidate"): 5,
        ("shelter", "GT12", "no_candidate"): None,
        ("shelter", "GT13", "no_candidate"): None,
    }
    assert await cells(world) == expected
    assert await cells(world, category="food") == {("food", "GT12", "no_candidate"): 4}
    assert await cells(world, area="GT13") == {("shelter", "GT13", "no_candidate"): None}
    assert await cells(world, area="GT12", category="shelter") == {("shelter", "GT12", "no_candidate"): None}
    assert await cells(world, reason="no_help_exists") == {}


async def test_needs_of_people_without_a_destination_have_a_cell_of_their_own(world: World):
    """Without `nullif` in `_CELLS` their area is an empty word."""
    await people(world, 3, "shelter", "GT12")
    needs = [await world.need_of(one) for one in await people(world, 3, "shelter", "GT13")]
    await world.round()
    async with world.database.transaction() as session:
        await (await raw(session)).execute(
            "UPDATE need SET area = NULL WHERE need_id = ANY($1::uuid[])", [one["need_id"] for one in needs]
        )
    assert await cells(world) == {("shelter", None, "no_candidate"): 3, ("shelter", "GT12", "no_candidate"): 3}


async def test_restricted_categories_are_no_cells_without_their_scope(world: World):
    """Without `NOT restricted` in `_CELLS` everybody is told of them; open ones and closed ones apart."""
    needs = [await world.need_of(one) for one in await people(world, 6, "gbv", "GT12")]
    await world.round()
    for need in needs[:3]:
        path = f"needs/{need['need_id']}/close"
        await world.step(path, {"reason": "no_help_exists"}, headers=world.staff(restricted=True))
    seen = await cells(world, restricted=True)
    assert sorted(seen.values()) == [3, 3]
    assert {category for category, _, _ in seen} == {"gbv"}
    assert {"no_help_exists"} < {reason for _, _, reason in seen}
    assert await cells(world) == {}
    assert await cells(world, category="gbv") == {}


async def test_closed_needs_count_for_a_time_and_open_ones_always(world: World):
    """Met, refused and mistaken needs never; without `ended_at > $1` closed ones would count for ever."""
    await people(world, 3, "shelter", "GT13")
    closed = [await world.need_of(one) for one in await people(world, 4, "shelter", "GT12")]
    await world.round()
    for number, need in enumerate(closed):
        reason = "no_help_exists" if number else "not_a_need"
        await world.step(f"needs/{need['need_id']}/close", {"reason": reason}, headers=world.staff())
    open_cell, closed_cell = ("shelter", "GT13", "no_candidate"), ("shelter", "GT12", "no_help_exists")
    assert await cells(world) == {open_cell: 3, closed_cell: 3}
    world.clock.passed += timedelta(days=100)
    assert await cells(world) == {open_cell: 3}
    assert await cells(world, days=366) == {open_cell: 3, closed_cell: 3}


async def test_a_need_that_a_provider_still_takes_care_of_is_not_unmet(world: World):
    """A late report names a desk, but the service goes on. Without `NOT IN` in `UNMET_OPEN` it would count."""
    shelters = [await world.provider(places=9) for _ in range(1)]
    needs = [await world.need_of(one) for one in await people(world, 3, "shelter", "GT12")]
    await world.round()
    for row in await world.rows("SELECT offer_id, referral_id FROM offer"):
        await world.step(f"offers/{row['offer_id']}/accept", headers=world.partner(shelters[0]))
        await world.step(f"referrals/{row['referral_id']}/start", headers=world.partner(shelters[0]))
    await world.pass_time(days=1, minutes=1)
    owned = await world.rows("SELECT owner_reason FROM need WHERE owner IS NOT NULL")
    assert [row["owner_reason"] for row in owned] == ["report_overdue"] * len(needs)
    assert await cells(world) == {}
    assert (await world.ask("work-lists/unmet"))["items"] == []
    async with world.database.transaction() as session:
        await (await raw(session)).execute("UPDATE need SET owner_reason = 'outcome_incomplete'")
    assert len((await world.ask("work-lists/unmet"))["items"]) == 3


async def kinds(world: World, **query: Any) -> dict[tuple[str, str | None, str], int | None]:
    """All cells by kind, page by page of two."""
    found: dict[tuple[str, str | None, str], int | None] = {}
    after: dict[str, str] = {}
    while True:
        page = await world.ask("work-lists/unmet/kinds", limit=2, **query, **after)
        found |= {(one["category"], one["kind"], one["reason"]): one["count"] for one in page["items"]}
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


async def test_unmet_needs_are_counted_by_kind_and_those_of_a_category_alone_apart(new_world):
    """Seen to fail without `kind` in `_CELLS`."""
    async with new_world(taxonomy=TAXONOMY) as world:
        for kind, count in (("bus_ticket", 4), ("escort", 3), (None, 5)):
            for _ in range(count):
                await world.person({"category": "transport", "kind": kind})
        await world.round()
        reason = (await world.ask("work-lists/unmet", kind="escort"))["items"][0]["owner_reason"]
        triage = (await world.ask("work-lists/unmet"))["items"]
        alone = next(one["owner_reason"] for one in triage if one["kind"] is None)
        assert await kinds(world) == {
            ("transport", None, alone): 5,
            ("transport", "bus_ticket", reason): 4,
            ("transport", "escort", reason): 3,
        }
        assert await kinds(world, kind="escort") == {("transport", "escort", reason): 3}
        assert await kinds(world, category="shelter") == {}
        wrong = await world.client.get("/v1/work-lists/unmet/kinds?kind=escorts", headers=world.staff())
        assert (wrong.status_code, wrong.json()["errors"][0]["rule"]) == (422, "unknown-kind")


async def test_the_lists_by_area_and_by_kind_together_reveal_no_small_number(new_world):
    """Two escorts are hidden. Both areas are shown only if the bus tickets of the same reason are hidden too."""
    async with new_world(taxonomy=TAXONOMY) as world:
        for kind, count, area in (("escort", 2, "GT12"), ("bus_ticket", 4, "GT12"), ("bus_ticket", 3, "GT13")):
            for _ in range(count):
                await world.person({"category": "transport", "kind": kind}, destination=area)
        await world.round()
        by_kind = await kinds(world)
        assert set(by_kind.values()) == {None}
        assert set((await cells(world)).values()) == {6, 3}


@pytest.mark.parametrize("query", [{"days": 0}, {"days": 367}, {"category": "luck"}, {"area": "x" * 21}])
async def test_a_summary_that_makes_no_sense_names_the_field(world: World, query: dict[str, Any]):
    answer = await world.client.get(f"/v1/{SUMMARY}", params=query, headers=world.staff())
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
    assert next(iter(query)) in answer.text


async def test_a_provider_is_told_no_numbers(world: World):
    shelter = await world.provider()
    headers = world.issuer.headers("work-lists:read", organization_id=shelter.organization_id, client_id="partner")
    answer = await world.client.get(f"/v1/{SUMMARY}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "staff-only")
