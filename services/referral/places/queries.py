"""Reads the ledger: the free places for a round, and which offers hold places."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.chassis.errors import NotFound
from services.referral.candidates.facts import Pool
from services.referral.places.rules import HoldStatus
from services.referral.places.schemas import HoldView, PoolView
from services.referral.places.tables import FREE

_POOLS = f"""
SELECT pool_id, provider_service_id, kind, maximum, as_of, starts_on, ends_on, {FREE} AS free FROM pool
WHERE provider_service_id = ANY($2::uuid[]) AND listed AND (ends_on IS NULL OR ends_on >= $1::date - 1)
"""  # noqa: S608 (a constant)

_SUPPLY = """
SELECT category, sum(changes)::bigint AS changes FROM (
    SELECT category, changes FROM supply_total UNION ALL SELECT category, 1 FROM supply_change
) AS told GROUP BY category
"""

_BEGUN = """
SELECT category, view->>'timezone' AS timezone, starts_on, count(*) AS pools
FROM pool JOIN provider_service USING (provider_service_id)
WHERE starts_on <= $1::date + 1 GROUP BY 1, 2, 3
"""


async def pools(
    session: AsyncSession, provider_service_ids: Collection[UUID], *, today: date
) -> dict[UUID, list[Pool]]:
    """The pools of these services with their free places, without pools that have ended in all time zones on this
    day."""
    found: dict[UUID, list[Pool]] = defaultdict(list)
    for row in await (await raw(session)).fetch(_POOLS, today, list(provider_service_ids)):
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


async def supply_counts(session: AsyncSession) -> dict[str, int]:
    """By category: how many changes of supply there were. A change of supply is a free or declared place, a change of a
    service or of an organisation, or the first day of a pool.

    The count only grows: a declaration that postpones a first day is counted too. A referral without a candidate is
    therefore looked at again when the count is higher. A category is missing if no service of it was ever published.
    """
    connection, at = await raw(session), now(session)
    told = {row["category"]: row["changes"] for row in await connection.fetch(_SUPPLY)}
    of_all = told.pop("", 0)
    found = {category: changes + of_all for category, changes in told.items()}
    for row in await connection.fetch(_BEGUN, at.date()):
        if row["starts_on"] <= at.astimezone(ZoneInfo(row["timezone"])).date():
            found[row["category"]] += row["pools"]
    return found


@dataclass(frozen=True, slots=True)
class Leak:
    """Places whose offer or referral has ended, or places of an accepted offer that are still held, or a pool with
    wrong counts."""

    kind: str
    """`held_by_ended_offer`, `held_after_acceptance`, `taken_by_ended_referral` or `miscounted`."""
    pool_id: UUID
    offer_id: UUID | None
    """None for a miscounted pool."""
    returnee_id: UUID | None
    """The returnee whose journey must be locked for the correction. None for a pool, and for a hold without an
    offer."""
    place_count: int
    """The number of leaked places. For a pool: the number of places by which its counts are wrong."""
    used: bool
    """True if the service was given before the places leaked."""


_LEAKS = """
SELECT CASE WHEN place_hold.status = 'taken' THEN 'taken_by_ended_referral'
        WHEN offer.status = 'accepted' AND referral.ended_at IS NULL THEN 'held_after_acceptance'
        ELSE 'held_by_ended_offer' END AS kind,
    place_hold.pool_id, place_hold.offer_id, offer.returnee_id, place_hold.place_count,
    coalesce(referral.status = 'completed', false) AS used
FROM place_hold LEFT JOIN offer USING (offer_id) LEFT JOIN referral USING (referral_id)
WHERE place_hold.status <> 'released' AND ($1::uuid[] IS NULL OR place_hold.offer_id = ANY($1))
  AND (place_hold.status = 'held' AND offer.status IS DISTINCT FROM 'pending'
            AND offer.status IS DISTINCT FROM 'acknowledged'
        OR place_hold.status = 'taken' AND (offer.status IS DISTINCT FROM 'accepted' OR referral.ended_at IS NOT NULL))
UNION ALL
SELECT 'miscounted', pool_id, NULL, NULL,
    abs(pool.held - coalesce(sums.held, 0)) + abs(pool.taken - coalesce(sums.taken, 0)), false
FROM pool LEFT JOIN (
    SELECT pool_id, sum(place_count) FILTER (WHERE status = 'held') AS held,
        sum(place_count) FILTER (WHERE status = 'taken') AS taken
    FROM place_hold WHERE status <> 'released' GROUP BY pool_id
) AS sums USING (pool_id)
WHERE (pool.held, pool.taken) IS DISTINCT FROM (coalesce(sums.held, 0), coalesce(sums.taken, 0))
  AND ($2::uuid[] IS NULL OR pool_id = ANY($2))
"""
_SWEEPING: Final = 0x656E6C62, 0


async def may_sweep(session: AsyncSession) -> bool:
    """True if this transaction is the only one that sweeps. It stays the only one until it ends."""
    return bool(await (await raw(session)).fetchval("SELECT pg_try_advisory_xact_lock($1, $2)", *_SWEEPING))


async def leaks(
    session: AsyncSession, *, offer_ids: Collection[UUID] | None = None, pool_ids: Collection[UUID] | None = None
) -> list[Leak]:
    """The leaks in one snapshot of the database. With ids, only those of these offers and pools."""
    named = [None if ids is None else list(ids) for ids in (offer_ids, pool_ids)]
    return [Leak(**row) for row in await (await raw(session)).fetch(_LEAKS, *named)]


@dataclass(frozen=True, slots=True)
class Seen:
    """Which pools a caller may see: of one organisation or of all, and with or without those of restricted services."""

    organization_id: UUID | None
    restricted: bool


_SEEN = "($1::uuid IS NULL OR provider_service.organization_id = $1) AND ($2 OR NOT (view->>'restricted')::bool)"

_POOL_VIEWS = f"""
SELECT pool.*, {FREE} AS free, ceiling > maximum AS over_committed, provider_service.organization_id,
    provider_service.category
FROM pool JOIN provider_service USING (provider_service_id)
WHERE {_SEEN} AND ($3::uuid IS NULL OR provider_service_id = $3) AND ($4::bool IS NULL OR (ceiling > maximum) = $4)
  AND ($5::uuid IS NULL OR pool_id > $5)
ORDER BY pool_id LIMIT $6
"""  # noqa: S608 (constants)

_HOLDS = """
SELECT offer_id, referral_id, case_code, place_hold.place_count, place_hold.status,
    CASE place_hold.status WHEN 'held' THEN held_at WHEN 'taken' THEN taken_at ELSE released_at END AS since
FROM place_hold JOIN offer USING (offer_id)
WHERE place_hold.pool_id = $1 AND {status} AND ($2 OR NOT offer.restricted) AND ($3::uuid IS NULL OR offer_id > $3)
ORDER BY offer_id LIMIT $4
"""


async def pool_views(
    session: AsyncSession,
    seen: Seen,
    *,
    provider_service_id: UUID | None,
    over_committed: bool | None,
    after: UUID | None,
    limit: int,
) -> list[PoolView]:
    """Pools with their counts, in the order of their ids. Returns up to one more than `limit`."""
    rows = await (await raw(session)).fetch(
        _POOL_VIEWS, seen.organization_id, seen.restricted, provider_service_id, over_committed, after, limit + 1
    )
    return [PoolView.model_validate(dict(row)) for row in rows]


async def hold_views(
    session: AsyncSession, seen: Seen, pool_id: UUID, *, status: HoldStatus | None, after: UUID | None, limit: int
) -> list[HoldView]:
    """The holds in a pool, by offer. Returns up to one more than `limit`. NotFound if the caller sees no such pool."""
    connection = await raw(session)
    statement = f"SELECT 1 FROM pool JOIN provider_service USING (provider_service_id) WHERE {_SEEN} AND pool_id = $3"  # noqa: S608
    if await connection.fetchval(statement, seen.organization_id, seen.restricted, pool_id) is None:
        raise NotFound("There is no such pool")
    # The status is part of the statement, so that present holds are found with their partial index.
    wanted = "place_hold.status <> 'released'" if status is None else f"place_hold.status = '{status.value}'"
    rows = await connection.fetch(_HOLDS.format(status=wanted), pool_id, seen.restricted, after, limit + 1)
    return [HoldView.model_validate(dict(row)) for row in rows]
