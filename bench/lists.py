"""Compares the cost of reading work lists and journeys over 10,000 referrals with the cost over a million.

Two databases on one server are filled in the same way. Then the first and second page of every list, timelines and
journeys are read from both in turns, with the service's own queries. The results are ratios of medians of wall time.
"""

import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from bench.filling import fill
from deploy.local.infra import start_postgres
from deploy.local.installation import ROOT
from deploy.local.processes import Family
from libs.chassis.clock import Clock
from libs.chassis.database import Database, raw
from libs.chassis.migrations import upgrade_async
from services.referral.access import Rights
from services.referral.desk import queries as reviews
from services.referral.desk.schemas import ReviewFilters
from services.referral.needs import queries as needs
from services.referral.pack.policy import load_policy
from services.referral.reviews.rules import ReviewStatus
from services.referral.timelines import queries as timelines
from services.referral.timelines.schemas import Order
from services.referral.waitlists import queries as waitlists
from services.referral.work_lists import queries as lists
from services.referral.work_lists.rules import Party
from services.referral.work_lists.schemas import DueItemView, Filters, ItemView, WaitingItemView

RIGHTS = Rights(None, restricted=False)
PACK = ROOT / "deploy" / "packs" / "guatemala"
PAGE = 20
"""Small enough that every list of the small database fills two pages. A page that is not full would cost less."""
PEOPLE = 50
"""How many returnees' journeys are read; they are the same in every round."""
TIMES = 5
"""How often each list is read in a round."""
Read = Callable[[AsyncSession, UUID], Awaitable[object]]


async def measure(*, small: int = 10_000, large: int = 1_000_000, rounds: int = 20) -> dict[str, Any]:
    """Read every list and the journeys of 50 people from both databases, `rounds` times; prints one line."""
    family = Family()
    try:
        with tempfile.TemporaryDirectory(prefix="enlace-bench-lists-") as folder:
            server = await start_postgres(Path(folder), family=family)
            at = datetime.now(UTC)
            sides = {name: await filled(server, count, at) for name, count in (("small", small), ("large", large))}
            medians = await _measured(sides, reads_of(at), rounds)
    finally:
        family.close()
    ratios = {name: large_ms / small_ms for name, (small_ms, large_ms) in medians.items()}
    told = ", ".join(f"{name} {medians[name][1]:.1f} ms ({ratio:.2f})" for name, ratio in ratios.items())
    print(f"lists: times with {large:,} referrals, and in brackets the ratio to {small:,} referrals: {told}")
    return {f"ratio_{name}": round(ratio, 2) for name, ratio in ratios.items()}


async def filled(server: Any, count: int, at: datetime) -> str:
    """Creates a database on this server with `count` referrals; returns its URL."""
    name = f"bench_{uuid4().hex}"
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    url: str = server.url(name)
    await upgrade_async("referral", url)
    await fill(url, count, at=at)
    return url


def reads_of(at: datetime) -> dict[str, Read]:
    """The reads of staff by name; each is a function of a transaction and a returnee."""
    policy = load_policy(PACK)
    health = Filters(category="health")
    walks: dict[str, tuple[lists.Walk, Filters, type[ItemView]]] = {
        "mine": (lists.owned_by(["desk-1", "desk-2"]), Filters(), ItemView),
        "overdue": (lists.overdue(), Filters(), ItemView),
        "overdue_by_category": (lists.overdue(), health, ItemView),
        "escalations": (lists.escalations(), Filters(area="GT03"), ItemView),
        "due": (lists.due(at + timedelta(hours=20), needs_first=False), Filters(), DueItemView),
        "waiting": (lists.waiting(tuple(Party)), Filters(), WaitingItemView),
        "unmet": (lists.unmet(RIGHTS), Filters(), ItemView),
    }

    def page(walk: lists.Walk, filters: Filters, view: type[ItemView]) -> Read:
        async def read(session: AsyncSession, _: UUID) -> object:
            after: list[Any] | None = None
            for _turn in range(2):
                found = await lists.items(session, policy, walk, RIGHTS, filters, after=after, limit=PAGE, view=view)
                assert len(found) == PAGE + 1, f"only full pages are measured: {len(found)} of {walk.order}"
                after = [getattr(found[-2], name) for name in walk.order]
            return found

        return read

    async def timeline(session: AsyncSession, returnee_id: UUID) -> object:
        return await timelines.timeline(
            session, policy, RIGHTS, returnee_id, order=Order.NEWEST, after=None, limit=PAGE
        )

    async def journey(session: AsyncSession, returnee_id: UUID) -> object:
        return await needs.journey_view(session, policy, RIGHTS, returnee_id)

    reads: dict[str, Read] = {name: page(*asked) for name, asked in walks.items()}
    return {**reads, "reviews": _pending, "waitlist": _waitlist, "timeline": timeline, "journey": journey}


async def _pending(session: AsyncSession, _: UUID) -> object:
    asked = ReviewFilters(ReviewStatus.PENDING, "desk-1")
    return await reviews.review_views(session, RIGHTS, asked, after=None, limit=PAGE)


async def _waitlist(session: AsyncSession, _: UUID) -> object:
    statement, values = waitlists.page_statement(waitlists.Asked("health"), after=None, limit=PAGE)
    return await (await raw(session)).fetch(statement, *values)


async def _measured(sides: dict[str, str], reads: dict[str, Read], rounds: int) -> dict[str, tuple[float, float]]:
    """The median milliseconds of each read on each side; the first round is a warm-up and does not count."""
    clock = Clock()
    databases = {name: Database(url, clock=clock, application_name="bench-lists") for name, url in sides.items()}
    people = {name: await people_of(url) for name, url in sides.items()}
    spent: dict[str, dict[str, list[float]]] = {name: {side: [] for side in sides} for name in reads}
    try:
        for number in range(rounds + 1):
            for name, read in reads.items():
                count = PEOPLE if name in ("timeline", "journey") else TIMES
                for nth in range(count):
                    # The sides take turns, so that other work on the machine affects both equally.
                    for side in sorted(sides, reverse=bool((number + nth) % 2)):
                        async with databases[side].transaction() as session:
                            started = time.perf_counter()
                            await read(session, people[side][nth])
                            spent[name][side] += [1000 * (time.perf_counter() - started)] if number else []
    finally:
        for database in databases.values():
            await database.close()
    return {
        name: (statistics.median(found["small"]), statistics.median(found["large"])) for name, found in spent.items()
    }


async def people_of(url: str) -> list[UUID]:
    """The returnees whose journeys are read: for one database, always the same."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT returnee_id FROM need WHERE NOT restricted ORDER BY md5(need_id::text) LIMIT $1", PEOPLE
        )
    finally:
        await connection.close()
    return [row["returnee_id"] for row in rows]
