"""Counts needs by arrival batch, and measures waits.

The needs of a batch are read along the index on the batch, and their referrals and offers one by one, because a batch
has few. Waits are read along indexes on time: the cost depends on the period and not on the size of the tables.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, own_work, raw
from libs.chassis.paging import COUNT_MAX, Count
from services.referral.lifecycles.rules import LIVE_OFFER, LIVE_REFERRAL, ReferralStatus, in_sql
from services.referral.progress.rules import STAYS_ITS_OWN, NeedClass, Sight
from services.referral.progress.schemas import (
    BatchProgressView,
    ProgressView,
    WaitingTimesView,
    WaitingView,
    WaitView,
)

Asked = tuple[str, list[Any]]

_CLASS: Final = f"""CASE WHEN need.status <> 'open' THEN need.status
    WHEN live.status IN {in_sql(STAYS_ITS_OWN)} THEN live.status
    WHEN need.owner IS NOT NULL THEN '{NeedClass.OWNED_BY_DESK}'
    ELSE coalesce(live.status, '{NeedClass.SEEKING}') END"""
# A scalar subquery looks each offer up through the index. For EXISTS the planner could read the whole table once.
_OFFERED: Final = """(SELECT true FROM offer
    WHERE offer.returnee_id = need.returnee_id AND offer.need_id = need.need_id LIMIT 1)"""
_HERE: Final = "EXISTS (SELECT FROM unnest($2::text[]) AS area WHERE starts_with(profile->>'reception_place', area))"
_PERSON_HERE: Final = f" AND {_HERE}"
_NEED_HERE: Final = f" AND (SELECT {_HERE} FROM journey WHERE journey.returnee_id = need.returnee_id)"  # noqa: S608
_PROGRESS: Final = """
SELECT asked.batch_id, arrived.people, told.*
FROM unnest($1::uuid[]) WITH ORDINALITY AS asked(batch_id, place)
CROSS JOIN LATERAL (
    SELECT count(*) AS people FROM journey
    WHERE arrival_batch_id = asked.batch_id AND merged_into IS NULL{person_here}
) AS arrived
CROSS JOIN LATERAL (
    SELECT coalesce(sum(needs), 0)::bigint AS needs, {sums},
        count(*) FILTER (WHERE is_open AND NOT asked_for) AS people_without_offer
    FROM (
        SELECT count(*) AS needs, {counts}, bool_or(is_open) AS is_open, bool_or(asked_for) AS asked_for
        FROM (
            SELECT need.returnee_id, {classed} AS class, need.status = 'open' AS is_open,
                {offered} IS NOT NULL AS asked_for
            FROM need LEFT JOIN LATERAL (
                SELECT status FROM referral WHERE referral.need_id = need.need_id AND referral.status IN {live} OFFSET 0
            ) AS live ON true
            WHERE need.arrival_batch_id = asked.batch_id AND need.end_reason IS DISTINCT FROM 'merged'{seen}{need_here}
        ) AS classed GROUP BY returnee_id
    ) AS person
) AS told
ORDER BY asked.place
"""

_WAITED: Final = """SELECT count(*) AS count, percentile_cont(0.5) WITHIN GROUP (ORDER BY waited) AS median,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY waited) AS p90, max(waited) AS worst FROM ({}) AS wait"""
# Offers of erased people have no case code. The times of their needs are coarse, so they would be wrong here.
_TO_FIRST_OFFER: Final = """
SELECT extract(epoch FROM made_at - (
    SELECT waiting_since FROM referral WHERE referral.referral_id = offer.referral_id))::float8 AS waited
FROM offer WHERE made_at > $1 AND case_code <> ''{seen} AND (
    SELECT true FROM offer AS earlier WHERE earlier.returnee_id = offer.returnee_id
        AND earlier.need_id = offer.need_id AND earlier.made_at < offer.made_at LIMIT 1) IS NULL
"""
_TO_ANSWER: Final = """
SELECT extract(epoch FROM ended_at - made_at)::float8 AS waited
FROM offer WHERE ended_at > $1 AND status IN ('accepted', 'declined'){seen}
"""

_WITHOUT_OFFER: Final = (
    ReferralStatus.SEEKING,
    ReferralStatus.WAITLISTED,
    ReferralStatus.AWAITING_REVIEW,
    ReferralStatus.BLOCKED,
)
_WAITING: Final = "SELECT count(*) AS count, min(since) AS oldest FROM ({}) AS waiting"
_MOST: Final = COUNT_MAX + 1
_REFERRALS_WAITING: Final = f"""
SELECT walk.since FROM unnest(ARRAY{[one.value for one in _WITHOUT_OFFER]}) AS of(status) CROSS JOIN LATERAL (
    SELECT waiting_since AS since FROM referral
    WHERE referral.status = of.status AND referral.status IN {in_sql(LIVE_REFERRAL)}{{seen}}
    ORDER BY waiting_since, need_id LIMIT {_MOST}
) AS walk ORDER BY walk.since LIMIT {_MOST}
"""  # noqa: S608 (constants)
# The ids of offers rise with the time at which they are made, so the oldest come first.
_OFFERS_WAITING: Final = f"""
SELECT walk.since FROM unnest(ARRAY{[one.value for one in sorted(LIVE_OFFER)]}) AS of(status) CROSS JOIN LATERAL (
    SELECT made_at AS since FROM offer WHERE offer.status = of.status{{seen}} ORDER BY offer_id LIMIT {_MOST}
) AS walk ORDER BY walk.since LIMIT {_MOST}
"""  # noqa: S608 (constants)


def progress_statement(sight: Sight, batch_ids: Sequence[UUID]) -> Asked:
    """The statement and its values for the numbers of these batches."""
    everywhere = sight.areas is None
    statement = _PROGRESS.format(
        sums=", ".join(f"coalesce(sum({one}), 0)::bigint AS {one}" for one in NeedClass),
        counts=", ".join(f"count(*) FILTER (WHERE class = '{one}') AS {one}" for one in NeedClass),
        classed=_CLASS,
        offered=_OFFERED,
        live=in_sql(LIVE_REFERRAL),
        seen=_seen(sight, "need."),
        person_here="" if everywhere else _PERSON_HERE,
        need_here="" if everywhere else _NEED_HERE,
    )
    return statement, [list(batch_ids), *([] if sight.areas is None else [list(sight.areas)])]


def wait_statements(sight: Sight, *, since: datetime) -> dict[str, Asked]:
    """The statements and their values for the waiting times, by the field of the view."""
    seen = _seen(sight)
    return {
        "to_first_offer": (_WAITED.format(_TO_FIRST_OFFER.format(seen=seen)), [since]),
        "to_answer": (_WAITED.format(_TO_ANSWER.format(seen=seen)), [since]),
        "without_offer": (_WAITING.format(_REFERRALS_WAITING.format(seen=seen)), []),
        "without_answer": (_WAITING.format(_OFFERS_WAITING.format(seen=seen)), []),
    }


async def progress(session: AsyncSession, sight: Sight, batch_ids: Sequence[UUID]) -> ProgressView:
    """The numbers of each of these batches. All are zero for a batch of which referral has not heard."""
    (rows,) = await _read(session, sight, [progress_statement(sight, batch_ids)])
    return ProgressView(items=[BatchProgressView.model_validate(dict(row)) for row in rows])


async def waiting_times(session: AsyncSession, sight: Sight, *, hours: int) -> WaitingTimesView:
    """How long the waits of the last hours took, and what waits now, of the whole network."""
    at = now(session)
    asked = wait_statements(sight, since=at - timedelta(hours=hours))
    found = [row for rows in await _read(session, sight, list(asked.values())) for row in rows]
    to_first_offer, to_answer, without_offer, without_answer = found
    return WaitingTimesView(
        as_of=at,
        hours=hours,
        to_first_offer=_wait(to_first_offer),
        to_answer=_wait(to_answer),
        without_offer=_waiting(without_offer, at),
        without_answer=_waiting(without_answer, at),
    )


async def _read(session: AsyncSession, sight: Sight, asked: Sequence[Asked]) -> list[list[Any]]:
    connection = await raw(session)
    if sight.staff:
        return [await connection.fetch(statement, *values) for statement, values in asked]
    async with own_work(session):  # reception has no rows here; the statements contain what it may count
        return [await connection.fetch(statement, *values) for statement, values in asked]


def _seen(sight: Sight, table: str = "") -> str:
    return "" if sight.restricted else f" AND NOT {table}restricted"


def _wait(row: Any) -> WaitView:
    return WaitView(
        count=row["count"],
        median_seconds=_seconds(row["median"]),
        p90_seconds=_seconds(row["p90"]),
        worst_seconds=_seconds(row["worst"]),
    )


def _waiting(row: Any, at: datetime) -> WaitingView:
    oldest = None if row["oldest"] is None else _seconds((at - row["oldest"]).total_seconds())
    return WaitingView(waiting=Count.of(row["count"]), oldest_seconds=oldest)


def _seconds(value: float | None) -> int | None:
    return None if value is None else max(0, round(value))
