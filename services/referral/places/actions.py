"""The only code that writes to the ledger. It always locks pools first, in the order of their ids (DESIGN 3 and 5)."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.events.catalogue.directory import CapacityDeclared
from services.referral.database import insert_rows
from services.referral.places import queries
from services.referral.places.queries import Leak
from services.referral.places.tables import FREE, UNCOUNTED, PoolRow

_LOCK = """
SELECT 1 FROM pool WHERE pool_id = ANY(ARRAY(
    SELECT unnest($1::uuid[]) UNION SELECT pool_id FROM place_hold WHERE offer_id = ANY($2::uuid[])
)) ORDER BY pool_id FOR UPDATE
"""

_LOCK_AND_COUNT = f"""
SELECT pool_id, {FREE} AS free FROM pool WHERE pool_id = ANY($1::uuid[]) ORDER BY pool_id FOR UPDATE
"""  # noqa: S608 (a constant)

_LOCK_FREE_AND_COUNT = f"{_LOCK_AND_COUNT} SKIP LOCKED"

_HOLD = f"""
UPDATE pool SET held = held + wanted.places
FROM unnest($1::uuid[], $2::int[]) AS wanted(pool_id, places)
WHERE pool.pool_id = wanted.pool_id AND {FREE} >= wanted.places
RETURNING pool.pool_id
"""  # noqa: S608 (a constant)

_RECORD = """
INSERT INTO place_hold (offer_id, pool_id, place_count, status, held_at, declared_as_of, held_freed_count, traceparent)
SELECT given.offer_id, given.pool_id, given.place_count, 'held', $5, pool.as_of, pool.freed_count, given.traceparent
FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[]) AS given(offer_id, pool_id, place_count, traceparent)
LEFT JOIN pool USING (pool_id)
"""

_TAKE = """
WITH now_taken AS (
    UPDATE place_hold SET status = 'taken', taken_at = $2
    WHERE offer_id = ANY($1::uuid[]) AND status = 'held'
    RETURNING pool_id, place_count
), sums AS (SELECT pool_id, sum(place_count) AS places FROM now_taken GROUP BY pool_id)
UPDATE pool SET held = held - places, taken = taken + places,
    taken_uncounted = taken_uncounted + CASE WHEN accepted_left_out AND $2 <= as_of THEN 0 ELSE places END
FROM sums WHERE pool.pool_id = sums.pool_id
"""

_BEGIN = "UPDATE place_hold SET begun_at = $2 WHERE offer_id = ANY($1::uuid[]) AND status <> 'released'"

_RELEASE = f"""
WITH freed AS (
    UPDATE place_hold SET status = 'released', released_at = $3, released_freed_count = pool.freed_count + 1,
        used = given.used
    FROM unnest($1::uuid[], $2::bool[]) AS given(offer_id, used), place_hold AS before JOIN pool USING (pool_id)
    WHERE place_hold.offer_id = given.offer_id AND place_hold.status <> 'released'
      AND before.offer_id = place_hold.offer_id AND before.pool_id = place_hold.pool_id
    RETURNING place_hold.pool_id, place_hold.place_count, before.status, given.used,
        before.status = 'taken' AND {UNCOUNTED.replace("place_hold.", "before.")} AS uncounted
), sums AS (
    SELECT pool_id,
        coalesce(sum(place_count) FILTER (WHERE status = 'held'), 0) AS from_held,
        coalesce(sum(place_count) FILTER (WHERE status = 'taken'), 0) AS from_taken,
        coalesce(sum(place_count) FILTER (WHERE uncounted AND NOT used), 0) AS unused
    FROM freed GROUP BY pool_id
)
UPDATE pool SET held = held - from_held, taken = taken - from_taken,
    taken_uncounted = taken_uncounted - unused,
    ceiling = greatest(maximum, held - from_held + taken - from_taken), freed_count = freed_count + 1
FROM sums WHERE pool.pool_id = sums.pool_id
"""  # noqa: S608 (a constant)

_COUNT_UNCOUNTED = f"""
UPDATE pool SET taken_uncounted = coalesce((
    SELECT sum(place_count) FROM place_hold WHERE place_hold.pool_id = pool.pool_id AND {UNCOUNTED}
        AND (status = 'taken' OR released_at > pool.as_of)
), 0)
WHERE pool_id = ANY($1::uuid[])
"""  # noqa: S608 (a constant)

_RECOUNT = """
UPDATE pool SET held = sums.held, taken = sums.taken, freed_count = freed_count + 1,
    ceiling = greatest(maximum, sums.held + sums.taken)
FROM (
    SELECT given.pool_id, coalesce(sum(place_count) FILTER (WHERE status = 'held'), 0) AS held,
        coalesce(sum(place_count) FILTER (WHERE status = 'taken'), 0) AS taken
    FROM unnest($1::uuid[]) AS given(pool_id) LEFT JOIN place_hold USING (pool_id) GROUP BY given.pool_id
) AS sums WHERE pool.pool_id = sums.pool_id
"""
_ADD_UP = """
WITH gone AS (DELETE FROM supply_change RETURNING category)
INSERT INTO supply_total AS kept (category, changes)
SELECT category, count(*) FROM gone GROUP BY category ORDER BY category
ON CONFLICT (category) DO UPDATE SET changes = kept.changes + excluded.changes
"""


@dataclass(frozen=True, slots=True)
class Hold:
    """Places that the ledger has held for an offer."""

    offer_id: UUID
    pool_id: UUID
    place_count: int
    traceparent: str | None


async def lock(session: AsyncSession, pool_ids: Iterable[UUID], *, of_offers: Collection[UUID] = ()) -> None:
    """Lock these pools and the pools of these offers in the order of their ids, before several of them are changed."""
    ids = sorted(set(pool_ids))
    if ids or of_offers:
        await (await raw(session)).execute(_LOCK, ids, sorted(of_offers))


async def hold(session: AsyncSession, wanted: Sequence[Mapping[UUID, int]], *, waits: bool = True) -> list[bool]:
    """Hold places in the given order. Each entry gets all the places that it wants in all its pools, or none.
    Returns for each entry whether it got them.

    `waits`: wait for pools that others have locked. False, for a transaction that may have locked pools before: what
    wants a locked pool gets nothing. There is no deadlock then."""
    ids = sorted({pool_id for one in wanted for pool_id in one})
    if not ids:
        return [False] * len(wanted)
    connection = await raw(session)
    if (
        waits and len(wanted) == len(ids) == 1
    ):  # nothing to divide: the UPDATE locks the pool and checks the free places
        return [bool(await connection.fetch(_HOLD, ids, [wanted[0][ids[0]]]))]
    locked = await connection.fetch(_LOCK_AND_COUNT if waits else _LOCK_FREE_AND_COUNT, ids)
    free = {row["pool_id"]: row["free"] for row in locked}
    held: Counter[UUID] = Counter()
    granted = []
    for one in wanted:
        fits = all(free.get(pool_id, 0) - held[pool_id] >= places for pool_id, places in one.items())
        granted.append(fits)
        if fits:
            held.update(one)
    sums = {pool_id: places for pool_id, places in held.items() if places}
    done = await connection.fetch(_HOLD, list(sums), list(sums.values()))
    if len(done) != len(sums):
        raise LookupError("a pool that is locked has fewer free places than were counted")
    return granted


async def record_holds(session: AsyncSession, holds: Sequence[Hold], *, at: datetime) -> None:
    """Record for which offers places are held. The pools already count them as held."""
    if holds:
        await (await raw(session)).execute(
            _RECORD,
            [one.offer_id for one in holds],
            [one.pool_id for one in holds],
            [one.place_count for one in holds],
            [one.traceparent for one in holds],
            at,
        )


async def take(session: AsyncSession, offer_ids: Sequence[UUID], *, at: datetime) -> None:
    """Change the held places of these offers to taken places. Their pools are already locked."""
    if offer_ids:
        await (await raw(session)).execute(_TAKE, list(offer_ids), at)


async def begin(session: AsyncSession, offer_ids: Sequence[UUID], *, at: datetime) -> None:
    """Record that the service of these offers has begun.

    Figures that the provider counts after this include their people.

    No pool changes, because the present declaration was counted before.
    """
    if offer_ids:
        await (await raw(session)).execute(_BEGIN, list(offer_ids), at)


async def release(session: AsyncSession, used: Mapping[UUID, bool], *, at: datetime) -> None:
    """Release the held or taken places of these offers. Their pools are already locked.

    `used`, by offer: whether its service was given. If it was, the network no longer counts the places as taken, but
    they become available only when the provider declares them again. If it was not, they are available again at once.
    """
    if used:
        await (await raw(session)).execute(_RELEASE, list(used), list(used.values()), at)


async def close(session: AsyncSession, offer_ids: Sequence[UUID]) -> None:
    """The pools of these offers accept no holds until the next declaration, because a provider said that they are
    full."""
    if offer_ids:
        await (await raw(session)).execute(
            "UPDATE pool SET closed = true WHERE pool_id IN (SELECT pool_id FROM place_hold WHERE offer_id = ANY($1))",
            list(offer_ids),
        )


async def mend(session: AsyncSession, found: Sequence[Leak], *, at: datetime) -> list[Leak]:
    """Correct leaks that still exist after their pools are locked, and return them. Their journeys are already locked.

    A miscounted pool is counted again from its holds. The places of an accepted offer become taken. All other leaked
    places are released.
    """
    offer_ids = {one.offer_id for one in found if one.offer_id is not None}
    pool_ids = {one.pool_id for one in found}
    await lock(session, pool_ids)
    still = await queries.leaks(session, offer_ids=offer_ids, pool_ids=pool_ids)
    await (await raw(session)).execute(_RECOUNT, [one.pool_id for one in still if one.offer_id is None])
    accepted = [one.offer_id for one in still if one.offer_id is not None and one.kind == "held_after_acceptance"]
    await take(session, accepted, at=at)
    over = {one.offer_id: one.used for one in still if one.offer_id is not None and one.offer_id not in accepted}
    await release(session, over, at=at)
    return still


async def add_up_supply(session: AsyncSession) -> None:
    """Add the recent changes of supply to the totals, so that reading them stays cheap."""
    await (await raw(session)).execute(_ADD_UP)


async def open_anew(session: AsyncSession, pool_ids: Collection[UUID]) -> None:
    """Count a change of supply in each of these pools, because their places are no longer kept for one referral."""
    if pool_ids:
        await lock(session, pool_ids)
        await (await raw(session)).execute(
            "UPDATE pool SET freed_count = freed_count + 1 WHERE pool_id = ANY($1::uuid[])", sorted(pool_ids)
        )


async def declare(session: AsyncSession, declarations: Sequence[CapacityDeclared]) -> None:
    """Store the newest declarations: maximum, available places, and the time of counting. Closed pools open again."""
    newest = {one.provider_service_id: one for one in sorted(declarations, key=lambda one: one.version)}
    fresh = await _store_versions(session, [newest[key] for key in sorted(newest)])
    declared = [newest[key] for key in fresh]
    known = await (await raw(session)).fetch("SELECT pool_id FROM pool WHERE provider_service_id = ANY($1)", fresh)
    named = {pool.pool_id for one in declared for pool in one.pools}
    await lock(session, {row["pool_id"] for row in known} | named)
    await _unlist(session, {row["pool_id"] for row in known} - named)
    rows = sorted((row for one in declared for row in _rows(one)), key=lambda row: row["pool_id"])
    await insert_rows(session, PoolRow, rows, on_conflict=_DECLARED)
    await (await raw(session)).execute(_COUNT_UNCOUNTED, sorted(named))


_DECLARED = """ON CONFLICT (pool_id) DO UPDATE SET
    provider_service_id = excluded.provider_service_id, kind = excluded.kind, maximum = excluded.maximum,
    available = excluded.available, as_of = excluded.as_of,
    accepted_left_out = excluded.accepted_left_out, starts_on = excluded.starts_on, ends_on = excluded.ends_on,
    ceiling = greatest(excluded.maximum, kept.held + kept.taken), closed = false, listed = true,
    freed_count = kept.freed_count + 1"""


async def _store_versions(session: AsyncSession, declarations: Sequence[CapacityDeclared]) -> list[UUID]:
    """Store the version of each declaration. Returns the services whose declaration is newer than the stored one."""
    statement = """
        INSERT INTO capacity AS kept (provider_service_id, organization_id, version, as_of)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[])
        ON CONFLICT (provider_service_id) DO UPDATE SET
            organization_id = excluded.organization_id, version = excluded.version, as_of = excluded.as_of
        WHERE kept.version < excluded.version
        RETURNING provider_service_id
    """
    columns = (
        [one.provider_service_id for one in declarations],
        [one.organization_id for one in declarations],
        [one.version for one in declarations],
        [one.as_of for one in declarations],
    )
    return [row["provider_service_id"] for row in await (await raw(session)).fetch(statement, *columns)]


async def _unlist(session: AsyncSession, pool_ids: Iterable[UUID]) -> None:
    await (await raw(session)).execute(
        "UPDATE pool SET listed = false WHERE pool_id = ANY($1::uuid[])", sorted(pool_ids)
    )


def _rows(declared: CapacityDeclared) -> list[dict[str, Any]]:
    return [
        {
            **dict.fromkeys(("held", "taken", "taken_uncounted"), 0),
            "pool_id": pool.pool_id,
            "provider_service_id": declared.provider_service_id,
            "kind": pool.kind,
            "maximum": pool.maximum,
            "ceiling": pool.maximum,
            "available": pool.available,
            "as_of": declared.as_of,
            "accepted_left_out": declared.accepted_left_out,
            "starts_on": pool.starts_on,
            "ends_on": pool.ends_on,
            "closed": False,
            "listed": True,
            "freed_count": 1,
        }
        for pool in declared.pools
    ]
