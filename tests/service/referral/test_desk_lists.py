"""Work lists: what stands on them, for whom, under which filters; and that reading them touches few rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from bench.filling import fill
from libs.events.codes import NeedCategory, Urgency
from services.referral.desk_lists import queries
from services.referral.desk_lists.rules import Party
from services.referral.desk_lists.schemas import Filters
from services.referral.journeys.access import Rights
from services.referral.timelines.queries import FOR_PARTNER, FOR_STAFF
from tests.service.referral.world import STAFF, World

FILLED = 40_000
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def of_desk(world: World, *desks: str, restricted: bool = False) -> dict[str, str]:
    scopes = STAFF + (" restricted:read" if restricted else "")
    return world.issuer.headers(scopes, client_id="somebody", desks=desks)


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
    await world.person({"category": NeedCategory.GBV}, destination="GT12")
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


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


SOMEBODY = UUID(hashlib.md5(b"o1").hexdigest())
STAFF_RIGHTS = Rights(None, restricted=False)
LISTS: dict[str, Callable[[Filters], queries.Walk]] = {
    "mine": lambda _: queries.mine(["desk-1", "desk-2"]),
    "overdue": lambda _: queries.overdue(),
    "escalations": lambda _: queries.escalations(),
    "unmet": lambda _: queries.unmet(),
    "due": lambda filters: queries.due(NOW + timedelta(hours=2), needs_first=queries.narrows_first(filters)),
    "waiting": lambda _: queries.waiting(tuple(Party)),
    "waiting_on_one": lambda _: queries.waiting((Party.PROVIDER,), organization_id=SOMEBODY),
}
NARROWED = {
    "all": Filters(),
    "category": Filters(category=NeedCategory.HEALTH),
    "area_and_urgency": Filters(area="GT03", urgency=Urgency.URGENT),
    "desk": Filters(desk="desk-3"),
}


@pytest.fixture
async def filled(postgres_server: Any) -> str:
    url: str = postgres_server.migrated("referral")
    await fill(url, FILLED, at=NOW)
    return url


async def test_no_list_nor_timeline_reads_a_table_from_end_to_end(filled: str):
    """Plans as they ran over 40,000 referrals: no sequential scan, and no more rows read than a few pages hold.

    Each of these fails it: without `ix_need_owned_since`, `ix_referral_waiting` or `ix_need_unmet`.
    """
    connection = await asyncpg.connect(filled, server_settings={"random_page_cost": "1.1", "jit": "off"})
    faults: list[str] = []
    try:
        for name, walk in LISTS.items():
            for narrowed, filters in NARROWED.items():
                asked = queries.page_statement(walk(filters), STAFF_RIGHTS, filters, after=None, limit=50)
                faults += await _look(connection, f"{name}, {narrowed}", *asked, most=40_000)
                faults += await _look(
                    connection,
                    f"count of {name}",
                    *queries.count_statement(walk(filters), STAFF_RIGHTS, filters),
                    most=60_000,
                )
        batch = Filters(arrival_batch_id=await connection.fetchval("SELECT arrival_batch_id FROM need LIMIT 1"))
        for walk in (queries.escalations(), queries.due(NOW + timedelta(hours=2), needs_first=True)):
            faults += await _look(
                connection, "batch", *queries.page_statement(walk, STAFF_RIGHTS, batch, after=None, limit=50)
            )
        row = await connection.fetchrow("SELECT returnee_id, organization_id FROM offer WHERE NOT restricted LIMIT 1")
        page = [row["returnee_id"], False, None, False, 51]
        faults += await _look(connection, "timeline", FOR_STAFF, page, most=200)
        faults += await _look(connection, "partner's timeline", FOR_PARTNER, [*page, row["organization_id"]], most=200)
    finally:
        await connection.close()
    assert not faults, "\n".join(faults)


async def _look(connection: Any, name: str, statement: str, values: list[Any], *, most: int = 15_000) -> list[str]:
    explained = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", *values)
    plan = json.loads(explained)[0]["Plan"]
    faults = [
        f"{name}: reads all of {node['Relation Name']}"
        for node in _nodes(plan)
        if node["Node Type"] == "Seq Scan"
        and node["Relation Name"] in {"need", "referral", "offer", "step", "timer", "journey"}
    ]
    buffers = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return faults + ([f"{name}: touches {buffers} pages"] if buffers > most else [])
