"""Reads the queues.

A statement contains only the conditions that are needed, so that a partial index without restricted entries can be
used. A page then costs the same for any length of the queue, except for counting the entries before it.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, own_work, raw
from libs.chassis.paging import COUNT_MAX, Count
from libs.events.codes import NeedCategory
from services.referral.waitlists import rules
from services.referral.waitlists.rules import Freed
from services.referral.waitlists.schemas import PoolQueueView, QueueView, WaitlistEntryView

_ORDER: Final = "category, urgency_rank, waiting_since, referral_id"
_PAGE: Final = """
SELECT entry.*, kept_pool.until AS kept_until,
    (SELECT case_code FROM journey WHERE journey.returnee_id = entry.returnee_id) AS case_code,
    (SELECT owner FROM need WHERE need.need_id = entry.need_id) AS owner,
    (SELECT min(due_at) FROM timer WHERE subject_id = entry.referral_id AND timer.kind = 'waitlist_deadline') AS due_at
FROM (
    SELECT * FROM waitlist_entry{where} ORDER BY category, urgency_rank, waiting_since, referral_id LIMIT {most}
) AS entry
LEFT JOIN kept_pool ON kept_pool.referral_id = entry.referral_id AND NOT over
ORDER BY category, urgency_rank, waiting_since, entry.referral_id
"""
_POSITIONS: Final = "SELECT referral_id, position FROM {counted}($1, $2, $3, $4, $5)"

_SEEN: Final = "SELECT referral_id FROM waitlist_entry WHERE referral_id = ANY($1::uuid[])"
_ONE = """
SELECT mine.*, (SELECT until FROM kept_pool WHERE referral_id = $1 AND NOT over) AS kept_until, standing.position
FROM waitlist_entry AS mine CROSS JOIN LATERAL queue_positions(
    ARRAY[mine.category::text], ARRAY[mine.urgency_rank], ARRAY[mine.waiting_since], ARRAY[$1::uuid], ARRAY[$1::uuid]
) AS standing
WHERE mine.referral_id = $1
"""

# All referrals that wait for these pools are counted, also those that the caller may not see: a position reveals
# nothing about a person.
_LINES = """
SELECT referral_id, pool_id, provider_service_id, place_count, lines.position, places_until FROM (
    SELECT referral_id, line.pool_id, line.place_count, row_number() OVER queue AS position,
        sum(line.place_count) OVER queue AS places_until
    FROM waiting_for($1::uuid[]) CROSS JOIN unnest(pool_ids, pool_places) AS line(pool_id, place_count)
    WINDOW queue AS (PARTITION BY line.pool_id ORDER BY urgency_rank, waiting_since, referral_id)
) AS lines JOIN pool USING (pool_id)
WHERE referral_id = ANY($2::uuid[]) AND ($3::uuid IS NULL OR EXISTS (
    SELECT FROM provider_service AS own
    WHERE own.provider_service_id = pool.provider_service_id AND own.organization_id = $3
)) ORDER BY referral_id, lines.position, pool_id
"""

_FREED = """
SELECT pool_id, sum(place_count) AS places, count(*) AS times, min(released_at) AS since FROM place_hold
WHERE pool_id = ANY($1::uuid[]) AND taken_at IS NOT NULL AND released_at > $2 GROUP BY pool_id
"""


_HIDDEN: Final = dict.fromkeys(("need_id", "returnee_id", "case_code", "owner", "due_at", "kept_until"))
"""Fields that a provider does not see of a person whom it has not accepted."""
_OWN: Final = "ARRAY(SELECT provider_service_id FROM provider_service WHERE organization_id = ${nth})"


class Asked(NamedTuple):
    """The filters of a list, and which entries the caller may see."""

    category: NeedCategory | None = None
    pool_id: UUID | None = None
    restricted: bool = False
    organization_id: UUID | None = None
    """A provider sees only referrals that wait for its services, and positions in their queues. None: staff see all."""
    kind: str | None = None


class Cursor(NamedTuple):
    """The position of an entry in the order of the queues."""

    category: str
    urgency_rank: int
    waiting_since: datetime
    referral_id: UUID


def page_statement(asked: Asked, *, after: Cursor | None, limit: int) -> tuple[str, list[Any]]:
    """The statement and its values for the page after this position, with one entry more than `limit`."""
    where, values = _where(asked, after)
    # The limit is part of the statement. For a limit in a parameter PostgreSQL assumes a tenth of the table, and makes
    # a new plan for every page.
    return _PAGE.format(where=where, most=int(limit) + 1), values


def count_statement(asked: Asked) -> tuple[str, list[Any]]:
    """The statement and its values for the number of entries, up to one more than the maximum that is counted."""
    inner, values = _counted(asked)
    return f"SELECT count(*) FROM ({inner}) AS counted", values  # noqa: S608 (constants)


def _counted(asked: Asked) -> tuple[str, list[Any]]:
    where, values = _where(asked, None)
    return f"SELECT referral_id FROM waitlist_entry{where} LIMIT {COUNT_MAX + 1}", values  # noqa: S608 (constants)


def _where(asked: Asked, after: Cursor | None) -> tuple[str, list[Any]]:
    """The conditions that are needed, and their values."""
    conditions = [] if asked.restricted else ["NOT restricted"]
    values: list[Any] = []
    if asked.category is not None:
        values.append(asked.category)
        conditions.append(f"category = ${len(values)}")
    if asked.kind is not None:
        values.append(asked.kind)
        conditions.append(f"kind = ${len(values)}")
    if asked.pool_id is not None:
        values.append(asked.pool_id)
        conditions.append(f"referral_id IN (SELECT referral_id FROM waiting_for(ARRAY[${len(values)}::uuid]))")  # noqa: S608
    if asked.organization_id is not None:
        values.append(asked.organization_id)
        conditions.append(f"provider_service_ids && {_OWN.format(nth=len(values))}")
    if after is not None:
        given = ", ".join(f"${len(values) + nth}" for nth in range(1, 5))
        conditions.append(f"({_ORDER}) > ({given})")
        values += after
    return f" WHERE {' AND '.join(conditions)}" if conditions else "", values


def positions_statement(asked: Asked) -> str:
    """The statement for the positions of entries in their categories. It counts along an index up to the last entry."""
    return _POSITIONS.format(counted="queue_positions" if asked.restricted else "queue_positions_ordinary")


async def queue(
    session: AsyncSession, asked: Asked, *, after: Sequence[str] | None, limit: int
) -> list[WaitlistEntryView]:
    """Entries by category and position, after the one that `after` names. Returns up to one more than `limit`."""
    last = None
    if after is not None:
        last = Cursor(after[0], int(after[1]), datetime.fromisoformat(after[2]), UUID(after[3]))
    statement, values = page_statement(asked, after=last, limit=limit)
    rows = await _rows(session, asked, statement, values)
    positions = await _positions(session, asked, rows)
    pools = await _pool_queues(session, rows, organization_id=asked.organization_id)
    own = await _own_services(session, asked.organization_id)
    return [
        WaitlistEntryView.model_validate(
            _told(_shown({**row, "position": positions[row["referral_id"]]}, pools[row["referral_id"]]), own)
        )
        for row in rows
        if row["referral_id"] in positions  # without referrals that left the queue in between
    ]


async def _rows(session: AsyncSession, asked: Asked, statement: str, values: Sequence[Any]) -> list[Any]:
    """The entries that the statement finds and the caller may see, each with its `referral_id`.

    Entries of a pool are first read with the rights of the service, because a condition on an array cannot use its
    index under row-level security. Then those that the caller may not see are removed.
    """
    connection = await raw(session)
    if asked.pool_id is None:
        return list(await connection.fetch(statement, *values))
    async with own_work(session):
        found = await connection.fetch(statement, *values)
    seen = {row["referral_id"] for row in await connection.fetch(_SEEN, [row["referral_id"] for row in found])}
    return [row for row in found if row["referral_id"] in seen]


async def _own_services(session: AsyncSession, organization_id: UUID | None) -> set[UUID] | None:
    if organization_id is None:
        return None
    statement = "SELECT provider_service_id FROM provider_service WHERE organization_id = $1"
    return {row["provider_service_id"] for row in await (await raw(session)).fetch(statement, organization_id)}


def _told(entry: dict[str, Any], own: set[UUID] | None) -> dict[str, Any]:
    """The entry without the fields that a provider may not see. `own`: the services of the provider, None for staff."""
    if own is None:
        return entry
    return entry | _HIDDEN | {"provider_service_ids": [one for one in entry["provider_service_ids"] if one in own]}


async def _positions(session: AsyncSession, asked: Asked, rows: Sequence[Mapping[str, Any]]) -> dict[UUID, int]:
    last_ones = {row["category"]: Cursor(*(row[name] for name in Cursor._fields)) for row in rows}
    columns = [list(column) for column in zip(*last_ones.values(), strict=True)] or [[], [], [], []]
    async with own_work(session):  # counts all that are ahead, also hidden ones; a position reveals nobody
        found = await (await raw(session)).fetch(
            positions_statement(asked), *columns, [row["referral_id"] for row in rows]
        )
    return {row["referral_id"]: row["position"] for row in found}


async def count(session: AsyncSession, asked: Asked) -> Count:
    """The number of referrals that wait for a place, up to a thousand."""
    if asked.pool_id is not None:
        return Count.of(len(await _rows(session, asked, *_counted(asked))))
    statement, values = count_statement(asked)
    return Count.of(await (await raw(session)).fetchval(statement, *values))


async def place_in_queue(session: AsyncSession, referral_id: UUID) -> QueueView | None:
    """The position of the referral, or None if it does not wait for a place."""
    async with own_work(session):
        row = await (await raw(session)).fetchrow(_ONE, referral_id)
    if row is None:
        return None
    pools = await _pool_queues(session, [row])
    return QueueView.model_validate(_shown(row, pools[referral_id]))


def _shown(row: Mapping[str, Any], pools: Sequence[PoolQueueView]) -> dict[str, Any]:
    known = [one.expected_wait_seconds for one in pools if one.expected_wait_seconds is not None]
    return {**row, "pools": pools, "expected_wait_seconds": min(known, default=None)}


async def _pool_queues(
    session: AsyncSession, rows: Collection[Mapping[str, Any]], *, organization_id: UUID | None = None
) -> dict[UUID, list[PoolQueueView]]:
    """By referral: its position and expected wait in the queue of each of its pools, or of this organisation's
    pools."""
    connection, at = await raw(session), now(session)
    pool_ids = sorted({pool_id for row in rows for pool_id in row["pool_ids"]})
    found: dict[UUID, list[PoolQueueView]] = defaultdict(list)
    async with own_work(session):
        freed = {
            row["pool_id"]: Freed(row["places"], row["times"], row["since"])
            for row in await connection.fetch(_FREED, pool_ids, at - rules.RATE_OVER)
        }
        # All waiting referrals are counted. An organisation sees positions only in its own pools.
        lines = await connection.fetch(_LINES, pool_ids, [one["referral_id"] for one in rows], organization_id)
    for row in lines:
        wait = rules.expected_wait(row["places_until"], freed.get(row["pool_id"]), at=at)
        seconds = None if wait is None else round(wait.total_seconds())
        view = PoolQueueView.model_validate({**row, "expected_wait_seconds": seconds})
        found[row["referral_id"]].append(view)
    return found
