"""Queues and reviews page by page: positions, filters, counts, and what a reader without the scope never learns."""

from __future__ import annotations

from typing import Any

from libs.chassis.database import raw
from libs.events.codes import ProtectionFlag, Urgency
from tests.service.referral.world import World


async def listed(world: World, path: str, *, restricted: bool = False, **query: Any) -> list[dict[str, Any]]:
    """A list to its end, page by page of two."""
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = await world.ask(path, headers=world.staff(restricted=restricted), limit=2, **query, **after)
        found += page["items"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


async def test_positions_go_on_from_page_to_page_and_begin_anew_with_each_category(world: World):
    """Without the count of those ahead every page would begin with 1; restricted ones are nobody's neighbours."""
    await world.provider(places=0)
    await world.provider(places=0, category="health", service_type="clinic")
    for urgency in (Urgency.NORMAL, Urgency.EMERGENCY, Urgency.NORMAL, Urgency.URGENT, Urgency.NORMAL):
        await world.person({"urgency": urgency}, {"category": "health", "urgency": urgency})
    await world.round()
    entries = await listed(world, "waitlists")
    assert [(one["category"], one["position"]) for one in entries] == [
        (category, position) for category in ("health", "shelter") for position in range(1, 6)
    ]
    assert [one["urgency_rank"] for one in entries[:5]] == [0, 1, 2, 2, 2]
    assert await listed(world, "waitlists", category="shelter") == entries[5:]
    assert await world.ask("waitlists/count") == {"count": 10, "more": False}
    assert await world.ask("waitlists/count", category="shelter") == {"count": 5, "more": False}
    hidden = "UPDATE waitlist_entry SET restricted = true WHERE category = 'shelter' AND urgency_rank < 2"
    async with world.database.transaction() as session:
        await (await raw(session)).execute(hidden)
    seen = await listed(world, "waitlists", category="shelter")
    assert [(one["urgency_rank"], one["position"]) for one in seen] == [(2, 1), (2, 2), (2, 3)]
    assert await world.ask("waitlists/count", category="shelter") == {"count": 3, "more": False}
    assert await listed(world, "waitlists", category="shelter", restricted=True) == entries[5:]


async def test_reviews_are_narrowed_by_state_desk_and_category_and_counted(world: World):
    """Without `review.restricted = hidden.restricted` everybody would be told of the restricted ones."""
    for _ in range(3):
        await world.person({"category": "gbv"})
        await world.person({}, protection_flags=[ProtectionFlag.AGE_DISPUTED])
    await world.round()
    everything = await listed(world, "reviews", restricted=True)
    assert [one["id"] for one in everything] == sorted(one["id"] for one in everything)
    plain = [one for one in everything if one["category"] != "gbv"]
    assert len(everything) == 6
    assert len(plain) == 3
    assert await listed(world, "reviews") == plain
    assert await listed(world, "reviews", category="gbv") == []
    assert len(await listed(world, "reviews", category="gbv", restricted=True)) == 3
    assert await listed(world, "reviews", desk=plain[0]["desk"], status="pending") == plain
    assert await listed(world, "reviews", desk="steward") == []
    of_one = {"referral_id": plain[0]["referral_id"]}
    assert await listed(world, "reviews", **of_one) == await listed(world, "reviews", status="pending", **of_one)
    assert await listed(world, "reviews", **of_one) == plain[:1]
    hidden = next(one["referral_id"] for one in everything if one["category"] == "gbv")
    assert await listed(world, "reviews", referral_id=hidden) == []
    decided = plain[0]
    await world.step(f"reviews/{decided['id']}/reject", {}, headers=world.staff())
    assert [one["id"] for one in await listed(world, "reviews", status="pending")] == [one["id"] for one in plain[1:]]
    assert [one["id"] for one in await listed(world, "reviews", status="rejected")] == [decided["id"]]
    assert [one["id"] for one in await listed(world, "reviews")] == [one["id"] for one in plain]
    counted = [await world.ask("reviews/count", **query) for query in ({}, {"status": "pending"}, {"category": "gbv"})]
    assert [one["count"] for one in counted] == [3, 2, 0]
