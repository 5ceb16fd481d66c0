"""Work lists: what stands on them, for whom, under which filters; and that reading them touches few rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from libs.events.codes import Urgency
from tests.service.referral.world import STAFF, World

FILLED = 40_000
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def of_desk(world: World, *desks: str, restricted: bool = False) -> dict[str, str]:
    scopes = STAFF + (" restricted:read" if restricted else "")
    return world.headers(scopes, client_id="somebody", desks=desks)


async def listed(world: World, path: str, *, headers: dict[str, str] | None = None, **query: Any) -> list[UUID]:
    """The needs of a list in its order, page by page of two."""
    found: list[UUID] = []
    after: dict[str, str] = {}
    while True:
        page = await world.ask(f"work-lists/{path}", headers=headers, limit=2, **query, **after)
        found += [UUID(one["need_id"]) for one in page["items"]]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


async def needs_of(world: World, *returnees: UUID) -> list[UUID]:
    return [(await world.need_of(one))["need_id"] for one in returnees]


async def test_my_queue_is_that_of_my_desks_and_narrowed_by_filters(world: World):
    """Nobody can take these needs, so the lead desk owns them."""
    west = [await world.person({}, destination="GT12") for _ in range(3)]
    north = await world.person({"urgency": Urgency.EMERGENCY}, destination="GT13")
    await world.person({"category": "gbv"}, destination="GT12")
    await world.round()
    needs = await needs_of(world, *west, north)
    assert sorted(await listed(world, "mine", headers=of_desk(world, "lead"))) == sorted(needs)
    assert await listed(world, "mine", headers=of_desk(world, "steward")) == []
    assert await listed(world, "mine", headers=of_desk(world, "lead"), area="GT13") == needs[3:]
    assert await listed(world, "mine", headers=of_desk(world, "lead"), urgency="emergency") == needs[3:]
    assert await listed(world, "mine", headers=of_desk(world, "lead"), category="food") == []
    assert len(await listed(world, "mine", headers=of_desk(world, "lead", restricted=True))) == 5
    assert sorted(await listed(world, "escalations", desk="lead")) == sorted(needs)
    counts = await world.ask("work-lists/counts", headers=of_desk(world, "lead"), area="GT12")
    assert counts["mine"] == counts["escalations"] == counts["unmet"] == {"count": 3, "more": False}


async def test_a_client_that_is_a_desk_needs_no_claim_and_a_wrong_claim_is_refused(world: World):
    await world.person({})
    await world.round()
    lead = world.issuer.headers(STAFF, client_id="lead")
    assert len(await listed(world, "mine", headers=lead)) == 1
    partner = world.issuer.headers(STAFF, client_id="lead", organization_id=uuid4())
    answer = await world.client.get("/v1/work-lists/mine", headers=partner)
    assert (answer.status_code, answer.json()["code"]) == (403, "staff-only")


async def test_due_waiting_and_overdue_follow_the_journey(world: World):
    shelter = await world.provider(places=1)
    first, second = await world.person({}), await world.person({})
    await world.round()
    offered = first if (await world.referral_of(first))["status"] == "offered" else second
    queued = second if offered == first else first
    (offered_need,), (queued_need,) = await needs_of(world, offered), await needs_of(world, queued)
    assert await listed(world, "waiting", party="provider") == [offered_need]
    assert await listed(world, "waiting", party="waitlist") == [queued_need]
    assert await listed(world, "waiting", organization_id=str(shelter.organization_id)) == [offered_need]
    assert await listed(world, "waiting", organization_id=str(uuid4())) == []
    (due,) = (await world.ask("work-lists/due", within=3600))["items"]
    assert (due["need_id"], due["due"], due["waits_on"]) == (str(offered_need), "offer_expiry", "provider")
    assert await listed(world, "due", within=90_000) == [offered_need, queued_need]
    assert await listed(world, "overdue") == []
    await world.pass_time(days=2)
    assert queued_need in await listed(world, "overdue")
    counts = await world.ask("work-lists/counts")
    assert counts["overdue"]["count"] >= 1
    assert await listed(world, "overdue", arrival_batch_id=str(uuid4())) == []


async def test_an_arrival_batch_narrows_every_list(world: World):
    batch = uuid4()
    mine = await world.person({"arrival_batch_id": batch, "urgency": Urgency.EMERGENCY}, arrival_batch_id=batch)
    await world.person({"urgency": Urgency.EMERGENCY})
    await world.round()
    (need,) = await needs_of(world, mine)
    lead = of_desk(world, "lead")
    for path in ("mine", "escalations", "waiting", "unmet"):
        assert await listed(world, path, headers=lead, arrival_batch_id=str(batch)) == [need], path
        assert len(await listed(world, path, headers=lead)) == 2
    await world.provider(places=5)
    await world.round()
    assert set(await listed(world, "due", arrival_batch_id=str(batch), within=90_000)) == {need}


async def test_a_place_that_changes_is_followed_by_the_area_of_the_needs(world: World):
    """Without `_AREA` in `intake.actions` the need stays in the old place."""
    from tests.service.referral import making

    returnee = await world.person({}, destination="GT12")
    await world.hear(making.registered(returnee, version=2, destination="GT13"))
    await world.round()
    assert await listed(world, "unmet", area="GT12") == []
    assert await listed(world, "unmet", area="GT13", category="shelter", reason="no_candidate") == await needs_of(
        world, returnee
    )
