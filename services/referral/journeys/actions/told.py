"""Writes what registration reports about a returnee to the rows of the journey. The caller has locked the journeys
(DESIGN 3)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from services.referral.database import Row, insert_rows, update_rows
from services.referral.journeys.facts import NEVER_BY_ITSELF
from services.referral.journeys.tables.journeys import JourneyRow
from services.referral.lifecycles.rules import ROUTED, in_sql
from services.referral.wakeups import ROUTERS

_AREA: Final = """
UPDATE need SET area = journey.profile ->> 'destination' FROM journey
WHERE need.returnee_id = journey.returnee_id AND journey.returnee_id = ANY($1::uuid[])
  AND need.area IS DISTINCT FROM journey.profile ->> 'destination'
"""
_COUNT: Final = """
UPDATE need SET counted_until = told.until
FROM unnest($1::uuid[], $2::timestamptz[]) AS told (returnee_id, until)
WHERE need.returnee_id = told.returnee_id AND need.counted_until IS DISTINCT FROM told.until
"""
_WAKE: Final = f"""
UPDATE referral SET ready_at = $2
WHERE (returnee_id = ANY($1::uuid[]) OR household_id = ANY(ARRAY(
        SELECT household_id FROM journey WHERE returnee_id = ANY($1) AND household_id IS NOT NULL)))
  AND ready_at IS NULL AND status IN {in_sql(ROUTED)} AND tried_supply < $3
"""  # noqa: S608 (constants)


def _month(column: str) -> str:
    return f"date_trunc('month', {column} AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"


# What remains of an erased person is de-identified. It is counted in statistics as long as their consent allows.
_FORGET: Final = f"""
UPDATE journey SET profile = NULL, case_code = NULL, arrival_batch_id = NULL, traceparent = NULL,
    first_seen_at = {_month("first_seen_at")}, erased_at = $2, consents = (
    SELECT coalesce(jsonb_object_agg(key, value), '{{}}') FROM jsonb_each(consents) WHERE split_part(key, ':', 1) = $3)
WHERE returnee_id = ANY($1::uuid[])
"""  # noqa: S608 (constants)
# These values could identify a person: the exact time of arrival, the municipality, the flight, the details of a
# need, and the case code that organisations know. Statistics need only the month and the department.
_COARSEN: Final = (
    f"""
    UPDATE need SET reported_at = {_month("reported_at")}, area = left(area, 4),
        detail_values = '{{}}', arrival_batch_id = NULL, traceparent = NULL
    WHERE returnee_id = ANY($1::uuid[])""",  # noqa: S608 (constants)
    f"""
    UPDATE referral SET opened_at = {_month("opened_at")},
        waiting_since = {_month("waiting_since")}, arrival_batch_id = NULL, traceparent = NULL
    WHERE returnee_id = ANY($1::uuid[])""",  # noqa: S608 (constants)
    "UPDATE offer SET case_code = '', detail_values = '{}', traceparent = NULL WHERE returnee_id = ANY($1::uuid[])",
)


async def begin(session: AsyncSession, returnees: Mapping[UUID, str | None]) -> None:
    """Insert the journeys that are new, each with the traceparent of the event that named the returnee first."""
    at = now(session)
    rows = [
        {
            "returnee_id": returnee_id,
            "profile_version": 0,
            "consent_version": 0,
            "first_seen_at": at,
            "traceparent": returnees[returnee_id],
        }
        for returnee_id in sorted(returnees)
    ]
    await insert_rows(session, JourneyRow, rows, on_conflict="ON CONFLICT DO NOTHING")


async def keep_profiles(session: AsyncSession, rows: Sequence[Row]) -> None:
    """Store profiles that are newer than the stored ones, except those of erased persons. Set the area of the needs."""
    newer = "kept.profile_version < given.profile_version AND kept.erased_at IS NULL"
    await update_rows(session, JourneyRow, rows, key="returnee_id", only_if=newer)
    await (await raw(session)).execute(_AREA, sorted(row["returnee_id"] for row in rows))


async def keep_consents(
    session: AsyncSession, rows: Sequence[Row], *, counted_until: Mapping[UUID, datetime | None]
) -> None:
    """Store the consents of these returnees, and until when their needs may be counted in statistics."""
    await update_rows(session, JourneyRow, rows, key="returnee_id")
    await (await raw(session)).execute(_COUNT, list(counted_until), list(counted_until.values()))


async def wake(session: AsyncSession, returnee_ids: Iterable[UUID]) -> None:
    """Make the waiting referrals of these returnees and their households ready for the next round.

    A referral that waits for a step of a person is not changed.
    """
    await (await raw(session)).execute(_WAKE, sorted(returnee_ids), now(session), NEVER_BY_ITSELF)
    ROUTERS.wake_after_commit(session)


async def forget(session: AsyncSession, returnee_ids: Collection[UUID], *, statistics_purpose: str) -> None:
    """Delete the data about these returnees. Of their consents, only those to statistics remain."""
    connection, erased = await raw(session), sorted(returnee_ids)
    await connection.execute(_FORGET, erased, now(session), statistics_purpose)
    for statement in _COARSEN:
        await connection.execute(statement, erased)
