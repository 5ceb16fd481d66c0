"""Reading the ledger: what is free for a round, and who holds what."""

from collections import defaultdict
from datetime import date
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from services.referral.candidates.facts import Pool
from services.referral.places.schemas import PoolView
from services.referral.places.tables import FREE

_POOLS = f"""
SELECT pool_id, provider_service_id, kind, maximum, as_of, ends_on, {FREE} AS free FROM pool
WHERE listed AND (ends_on IS NULL OR ends_on >= $1)
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


async def pools(session: AsyncSession, *, today: date) -> dict[UUID, list[Pool]]:
    """The pools of every service that are not over, with what is free in each."""
    found: dict[UUID, list[Pool]] = defaultdict(list)
    for row in await (await raw(session)).fetch(_POOLS, today):
        found[row["provider_service_id"]].append(
            Pool(
                pool_id=row["pool_id"],
                kind=row["kind"],
                maximum=row["maximum"],
                free=row["free"],
                as_of=row["as_of"],
                ends_on=row["ends_on"],
            )
        )
    return found


async def openings(session: AsyncSession) -> dict[str, int]:
    """Per category how often something has opened: places came free, were declared, a service or standing changed.

    Each part only grows, so that a referral that found nobody at one count is worth another look at a higher one. A
    category is missing where no service of it was ever published.
    """
    return {row["category"]: row["openings"] for row in await (await raw(session)).fetch(_OPENINGS)}


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
