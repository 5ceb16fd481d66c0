"""Reading the ledger: what is free for a round, and who holds what."""

from collections import defaultdict
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from services.referral.candidates.facts import Pool
from services.referral.places.schemas import PoolView
from services.referral.places.tables import FREE

_POOLS = f"""
SELECT pool_id, provider_service_id, kind, maximum, as_of, starts_on, ends_on, {FREE} AS free FROM pool
WHERE listed AND (ends_on IS NULL OR ends_on >= $1::date - 1)
"""  # noqa: S608 (a constant)

_OPENINGS = """
SELECT provider_service.category,
    coalesce(sum(freed.total), 0)::bigint + sum(provider_service.revision)::bigint
    + (SELECT coalesce(sum(revision), 0) FROM provider_organization)::bigint AS openings
FROM provider_service LEFT JOIN (
    SELECT provider_service_id, sum(freed_count) AS total FROM pool GROUP BY provider_service_id
) AS freed USING (provider_service_id)
GROUP BY provider_service.category
"""

_BEGUN = """
SELECT category, view->>'timezone' AS timezone, starts_on, count(*) AS pools
FROM pool JOIN provider_service USING (provider_service_id)
WHERE starts_on <= $1::date + 1 GROUP BY 1, 2, 3
"""


async def pools(session: AsyncSession, *, today: date) -> dict[UUID, list[Pool]]:
    """The pools of every service that are not over anywhere on this day, with what is free in each."""
    found: dict[UUID, list[Pool]] = defaultdict(list)
    for row in await (await raw(session)).fetch(_POOLS, today):
        found[row["provider_service_id"]].append(
            Pool(
                pool_id=row["pool_id"],
                kind=row["kind"],
                maximum=row["maximum"],
                free=row["free"],
                as_of=row["as_of"],
                starts_on=row["starts_on"],
                ends_on=row["ends_on"],
            )
        )
    return found


async def openings(session: AsyncSession) -> dict[str, int]:
    """Per category how often something has opened: places came free, were declared, a service or standing changed, or
    the first day of a pool came.

    The count only grows (a declaration that puts off a first day counts itself), so that a referral that found nobody
    at one count is worth another look at a higher one. A category is missing where no service of it was ever published.
    """
    connection, at = await raw(session), now(session)
    found = {row["category"]: row["openings"] for row in await connection.fetch(_OPENINGS)}
    for row in await connection.fetch(_BEGUN, at.date()):
        if row["starts_on"] <= at.astimezone(ZoneInfo(row["timezone"])).date():
            found[row["category"]] += row["pools"]
    return found


async def pool_views(
    session: AsyncSession, *, provider_service_id: UUID | None, restricted: bool, after: UUID | None, limit: int
) -> list[PoolView]:
    """Pools with their counts, in the order of their ids; one more than `limit`."""
    statement = f"""
        SELECT pool.*, {FREE} AS free, ceiling > maximum AS over_committed, provider_service.organization_id,
            provider_service.category
        FROM pool JOIN provider_service USING (provider_service_id)
        WHERE ($1::uuid IS NULL OR provider_service_id = $1) AND ($2 OR NOT (view->>'restricted')::bool)
          AND ($3::uuid IS NULL OR pool_id > $3)
        ORDER BY pool_id LIMIT $4
    """  # noqa: S608 (a constant)
    rows = await (await raw(session)).fetch(statement, provider_service_id, restricted, after, limit + 1)
    return [PoolView.model_validate(dict(row)) for row in rows]
