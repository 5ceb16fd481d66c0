"""Measures the cost of row-level security: the same reads with a normal login and with one that bypasses the policies.

Both logins have the same rights on the tables, and with both each transaction states for whom it works. Staff read work
lists, an organisation reads its offers, and the service itself locks and loads whole journeys, as every step does. The
two logins take turns, so that other work on the machine affects both equally. The results are ratios of medians of wall
time; a ratio of 1 means that row-level security costs nothing.
"""

import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from bench.lists import PAGE, filled, people_of, reads_of
from deploy.local.infra import start_postgres
from deploy.local.processes import Family
from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.chassis.logins import grant
from libs.chassis.tenancy import Tenant
from services.referral.access import Rights
from services.referral.journeys import queries as journeys
from services.referral.offers import queries as offers
from services.referral.offers.rules import Filters

REFERRALS = 100_000
ROUNDS = 20
TIMES = 10
"""How often each read is made in a round, on each side."""
SIDES = ("walled", "free")
Read = Callable[[AsyncSession, UUID], Awaitable[object]]
Reads = Mapping[str, tuple[Tenant | None, Read]]
"""For each name: for whom the transaction works (None: the service itself), and the read."""


async def measure(*, referrals: int = REFERRALS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Returns the figures by name and prints one line."""
    family = Family()
    try:
        with tempfile.TemporaryDirectory(prefix="enlace-bench-walls-") as folder:
            server = await start_postgres(Path(folder), family=family)
            at = datetime.now(UTC)
            url = await filled(server, referrals, at)
            sides = {side: await _login(url, side) for side in SIDES}
            medians = await _measured(sides, await _all_reads(url, at), await people_of(url), rounds)
    finally:
        family.close()
    ratios = {name: walled / free for name, (walled, free) in medians.items()}
    told = ", ".join(f"{name} {medians[name][0]:.2f} ms ({ratio:.2f})" for name, ratio in ratios.items())
    print(f"walls: times with {referrals:,} referrals, and in brackets the ratio to a login that bypasses them: {told}")
    return {f"ratio_{name}": round(ratio, 2) for name, ratio in ratios.items()}


async def _login(url: str, side: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        bypass = "NOBYPASSRLS" if side == "walled" else "BYPASSRLS"
        await connection.execute(f"CREATE ROLE {side} LOGIN PASSWORD '{side}' {bypass}")
    finally:
        await connection.close()
    await grant(url, side)
    place = urlsplit(url).netloc.rpartition("@")[2]
    return urlunsplit(urlsplit(url)._replace(netloc=f"{side}:{side}@{place}"))


async def _all_reads(url: str, at: datetime) -> Reads:
    connection = await asyncpg.connect(url)
    try:
        organization = await connection.fetchval("SELECT organization_id FROM offer ORDER BY offer_id LIMIT 1")
    finally:
        await connection.close()
    rights = Rights(organization, restricted=False)

    async def own_offers(session: AsyncSession, _: UUID) -> object:
        found = await offers.offer_views(session, rights, Filters(), after=None, limit=PAGE)
        assert found, "an empty list is not measured"
        return found

    async def loaded(session: AsyncSession, returnee_id: UUID) -> object:
        await journeys.lock(session, [returnee_id])
        return await journeys.load(session, [returnee_id])

    staff = Tenant("bench", staff=True)
    reads: dict[str, tuple[Tenant | None, Read]] = {name: (staff, read) for name, read in reads_of(at).items()}
    reads["offers_of_organization"] = (rights.tenant, own_offers)
    reads["journey_loaded_for_a_step"] = (None, loaded)
    return reads


async def _measured(
    sides: Mapping[str, str], reads: Reads, people: list[UUID], rounds: int
) -> dict[str, tuple[float, float]]:
    """The median milliseconds of each read with its transaction: with the policies, and without them.

    The first round is a warm-up and does not count.
    """
    clock = Clock()
    databases = {side: Database(url, clock=clock, application_name="bench-walls") for side, url in sides.items()}
    spent: dict[str, dict[str, list[float]]] = {name: {side: [] for side in SIDES} for name in reads}
    try:
        for number in range(rounds + 1):
            for name, (tenant, read) in reads.items():
                for nth in range(TIMES):
                    for side in sorted(SIDES, reverse=bool((number + nth) % 2)):
                        database = databases[side]
                        started = time.perf_counter()
                        begun = database.transaction() if tenant is None else database.transaction_of(tenant)
                        async with begun as session:
                            await read(session, people[nth % len(people)])
                        spent[name][side] += [1000 * (time.perf_counter() - started)] if number else []
    finally:
        for database in databases.values():
            await database.close()
    return {
        name: (statistics.median(found["walled"]), statistics.median(found["free"])) for name, found in spent.items()
    }
