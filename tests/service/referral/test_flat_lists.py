"""Reading lists touches as many pages of the database over many referrals as over few, and no table from end to end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from bench.filling import fill
from libs.chassis.tenancy import Tenant
from libs.chassis.walls import SERVICE_ITSELF, settings_of
from libs.events.codes import Urgency
from services.referral.access import Rights
from services.referral.desk import queries as reviews
from services.referral.desk.schemas import ReviewFilters
from services.referral.progress import queries as progress
from services.referral.progress.rules import Sight
from services.referral.reviews.rules import ReviewStatus
from services.referral.statistics import queries as unmet
from services.referral.timelines.queries import CASE, FOR_PARTNER, FOR_STAFF
from services.referral.waitlists import queries as waitlists
from services.referral.work_lists import queries
from services.referral.work_lists.rules import Party
from services.referral.work_lists.schemas import Filters
from tests.infra import apart, for_service

FEW, MANY = 8_000, 80_000
LIMIT = 10
RATIO_MAX = 1.5
NOW = datetime(2026, 6, 1, tzinfo=UTC)
SOMEBODY = UUID(hashlib.md5(b"o1").hexdigest())
STAFF = Rights(None, restricted=False)
TABLES = {"need", "referral", "offer", "step", "timer", "journey", "review", "waitlist_entry"}
Asked = tuple[str, list[Any]]

LISTS: dict[str, Callable[[Filters], queries.Walk]] = {
    "mine": lambda _: queries.owned_by(["desk-1", "desk-2"]),
    "overdue": lambda _: queries.overdue(),
    "escalations": lambda _: queries.escalations(),
    "unmet": lambda _: queries.unmet(STAFF),
    "due": lambda filters: queries.due(NOW + timedelta(hours=20), needs_first=queries.narrows_first(filters)),
    "waiting": lambda _: queries.waiting(tuple(Party)),
    "waiting_on_one": lambda _: queries.waiting((Party.PROVIDER,), organization_id=SOMEBODY),
}
NARROWED = {
    "all": Filters(),
    "category": Filters(category="health"),
    "area_and_urgency": Filters(area="GT03", urgency=Urgency.URGENT),
    "desk": Filters(desk="desk-3"),
}


@pytest.fixture(scope="module")
def sides(postgres_server: Any) -> list[str]:
    """A database with few referrals and one with ten times as many, filled alike."""
    urls: list[str] = [postgres_server.migrated("referral") for _ in range(2)]
    for url, count in zip(urls, (FEW, MANY), strict=True):
        apart(fill(url, count, at=NOW))
    return urls


def pages() -> dict[str, Asked]:
    """Pages that are full on both sides."""
    asked = {
        f"{name}, {narrowed}": queries.page_statement(walk(filters), STAFF, filters, after=None, limit=LIMIT)
        for name, walk in LISTS.items()
        for narrowed, filters in NARROWED.items()
        if narrowed in ("all", "category") and not (narrowed == "category" and name == "waiting_on_one")
    }
    for restricted in (False, True):
        rights = Rights(None, restricted=restricted)
        for category in (None, "health"):
            of = waitlists.Asked(category, None, restricted)
            asked[f"queue of {category}, {restricted}"] = waitlists.page_statement(of, after=None, limit=LIMIT)
        for filters in (
            ReviewFilters(),
            ReviewFilters(ReviewStatus.PENDING),
            ReviewFilters(desk="desk-1"),
            ReviewFilters(ReviewStatus.PENDING, "desk-1"),
            ReviewFilters(category="health"),
        ):
            asked[f"{filters}, {restricted}"] = reviews.page_statement(rights, filters, after=None, limit=LIMIT)
    return asked


async def test_pages_touch_as_many_blocks_over_ten_times_as_many_referrals(sides: list[str]):
    """Blocks, not seconds: the same on every machine. Without `ix_need_owned_since`, `ix_referral_waiting`,
    `ix_need_unmet`, `ix_review_category` or `ix_waitlist_entry_queue` it fails, each by itself."""
    blocks: dict[str, list[int]] = {}
    faults: list[str] = []
    for url in sides:
        async with _Connected(url) as connection:
            for name, asked in pages().items():
                plan = await _plan(connection, *asked)
                assert plan["Actual Rows"] == LIMIT + 1, f"{name}: a page that is not full measures nothing"
                faults += _read_whole(name, plan)
                blocks.setdefault(name, []).append(_blocks(plan))
    # A tree of ten times as many rows may be one level deeper: one block more for each row that is looked up.
    faults += [f"{name}: {few} and {many} blocks" for name, (few, many) in blocks.items() if many > RATIO_MAX * few]
    assert not faults, "\n".join(faults)


async def test_no_list_nor_timeline_reads_a_table_from_end_to_end(sides: list[str]):
    """Filters that few rows pass, counts and journeys too."""
    faults: list[str] = []
    async with _Connected(sides[1]) as connection:
        for name, walk in LISTS.items():
            for narrowed, filters in NARROWED.items():
                for asked in (
                    queries.page_statement(walk(filters), STAFF, filters, after=None, limit=50),
                    queries.count_statement(walk(filters), STAFF, filters),
                ):
                    faults += _read_whole(f"{name}, {narrowed}", await _plan(connection, *asked))
        batch = Filters(arrival_batch_id=await connection.fetchval("SELECT arrival_batch_id FROM need LIMIT 1"))
        for walk in (queries.escalations(), queries.due(NOW + timedelta(hours=2), needs_first=True)):
            plan = await _plan(connection, *queries.page_statement(walk, STAFF, batch, after=None, limit=50))
            faults += _read_whole("batch", plan, most=15_000)
        for restricted in (False, True):
            rights = Rights(None, restricted=restricted)
            counts = waitlists.count_statement(waitlists.Asked("health", None, restricted))
            faults += _read_whole("count of the queue", await _plan(connection, *counts))
            counts = reviews.count_statement(rights, ReviewFilters(ReviewStatus.PENDING, "desk-1"))
            faults += _read_whole("count of reviews", await _plan(connection, *counts))
        row = await connection.fetchrow("SELECT returnee_id, organization_id FROM offer WHERE NOT restricted LIMIT 1")
        page = [row["returnee_id"], False, None, False, 51]
        faults += _read_whole("timeline", await _plan(connection, FOR_STAFF, page), most=200)
        partner = [*page, row["organization_id"]]
        faults += _read_whole("partner's timeline", await _plan(connection, FOR_PARTNER, partner), most=200)
    assert not faults, "\n".join(faults)


async def test_progress_and_waiting_times_cost_as_much_over_ten_times_as_many_referrals(sides: list[str]):
    """Without `ix_offer_answered` or `ix_journey_case_code` it fails, each by itself."""
    blocks: dict[str, list[int]] = {}
    faults: list[str] = []
    for url in sides:
        async with _Connected(url) as connection:
            for name, asked in (await numbers(connection)).items():
                plan = await _plan(connection, *asked)
                # What waits is counted up to a thousand, and on one side fewer wait: the cost has a bound.
                counted = name.startswith("without")
                faults += _read_whole(name, plan, most=1_000 if counted else None)
                if not counted:
                    blocks.setdefault(name, []).append(_blocks(plan))
    faults += [f"{name}: {few} and {many} blocks" for name, (few, many) in blocks.items() if many > RATIO_MAX * few]
    assert not faults, "\n".join(faults)


async def numbers(connection: Any) -> dict[str, Asked]:
    """The numbers of a flight in the middle, the waits of two hours, and a case, which are alike on both sides."""
    batch = await connection.fetchval("SELECT md5('5')::uuid")
    asked: dict[str, Asked] = {"case": (CASE, [await connection.fetchval("SELECT case_code FROM journey LIMIT 1")])}
    for restricted in (False, True):
        for areas in (None, ("GT01",)):
            sight = Sight(restricted, areas, staff=True)
            asked[f"progress, {restricted}, {areas}"] = progress.progress_statement(sight, [batch])
        sight = Sight(restricted, None, staff=True)
        for name, one in progress.wait_statements(sight, since=NOW - timedelta(hours=2)).items():
            asked[f"{name}, {restricted}"] = one
    return asked


async def test_numbers_and_positions_come_from_indexes_alone(sides: list[str]):
    """Unmet needs are counted, and who stands ahead in a queue, without a look at the rows themselves.

    Without `ix_need_unmet_open`, `ix_need_unmet_ended` or `ix_waitlist_entry_ordinary` it fails, each by itself.
    """
    last = [["health"], [2], [NOW], [SOMEBODY], [SOMEBODY]]
    async with _Connected(sides[1]) as connection:
        for restricted in (False, True):
            rights = Rights(None, restricted=restricted)
            statement, values = unmet.cells_statement(rights, ended_since=NOW - timedelta(days=3), at=NOW)
            _reads_indexes_alone(statement, await _plan(connection, statement, values))
    # The function counts as the owner of the tables, whom no policy binds.
    async with _Connected(sides[1], own=True) as connection:
        for name in ("queue_positions", "queue_positions_ordinary"):
            statement = await connection.fetchval("SELECT prosrc FROM pg_proc WHERE proname = $1", name)
            typed = statement.replace("($1, $2, $3, $4)", "($1::text[], $2::int[], $3::timestamptz[], $4::uuid[])")
            _reads_indexes_alone(name, await _plan(connection, typed.replace("$5", "$5::uuid[]"), last))


def _reads_indexes_alone(what: str, plan: dict[str, Any]) -> None:
    reads = [node for node in _nodes(plan) if node.get("Relation Name")]
    assert {node["Node Type"] for node in reads} == {"Index Only Scan"}, what


class _Connected:
    """A connection that plans as one of the service does: behind the walls for staff with every scope, or the owner's
    with what is the service's own work."""

    def __init__(self, url: str, *, own: bool = False) -> None:
        self._url = url if own else for_service(url)
        self._said = SERVICE_ITSELF if own else settings_of(Tenant("a", staff=True, restricted=True))

    async def __aenter__(self) -> Any:
        settings = {"random_page_cost": "1.1", "jit": "off", **self._said}
        self._connection = await asyncpg.connect(self._url, server_settings=settings)
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()


async def _plan(connection: Any, statement: str, values: list[Any]) -> dict[str, Any]:
    explained = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", *values)
    plan: dict[str, Any] = json.loads(explained)[0]["Plan"]
    return plan


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _blocks(plan: dict[str, Any]) -> int:
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _read_whole(name: str, plan: dict[str, Any], *, most: int | None = None) -> list[str]:
    faults = [
        f"{name}: reads all of {node['Relation Name']}"
        for node in _nodes(plan)
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in TABLES
    ]
    blocks = _blocks(plan)
    return faults + ([f"{name}: touches {blocks} blocks"] if most is not None and blocks > most else [])
