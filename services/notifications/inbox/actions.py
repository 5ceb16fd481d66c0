"""The actions on the inbox: notices are stored when events arrive, and numbered when their organisation reads. None
commits."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from services.notifications.deliveries.actions.deliveries import create_deliveries
from services.notifications.deliveries.rules import Notice
from services.notifications.inbox import queries


async def file_notices(session: AsyncSession, notices: Sequence[Notice]) -> None:
    """Store each notice in the inbox of its organisation and create its deliveries to the organisation's endpoints."""
    if not notices:
        return
    notices = await _marked(session, notices)
    await (await raw(session)).execute(
        """
        INSERT INTO notification (message_id, organization_id, event_type, body, created_at, offer_id, restricted)
        SELECT message_id, organization_id, event_type, body, $5, offer_id, restricted
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $6::uuid[], $7::bool[])
            AS notice (message_id, organization_id, event_type, body, offer_id, restricted)
        ON CONFLICT (message_id) DO NOTHING
        """,
        [notice.message_id for notice in notices],
        [notice.organization_id for notice in notices],
        [notice.event_type for notice in notices],
        [notice.body for notice in notices],
        now(session),
        [notice.offer_id for notice in notices],
        [notice.restricted for notice in notices],
    )
    await create_deliveries(session, notices)


async def _marked(session: AsyncSession, notices: Sequence[Notice]) -> list[Notice]:
    """The notices, marked as restricted if their offer is restricted. Only `offer.made` contains this mark."""
    of_offers = [notice.offer_id for notice in notices if notice.offer_id is not None]
    hidden = await queries.restricted_offers(session, of_offers)
    hidden |= {notice.offer_id for notice in notices if notice.offer_id is not None and notice.restricted}
    return [replace(notice, restricted=notice.restricted or notice.offer_id in hidden) for notice in notices]


async def number_notifications(session: AsyncSession, *, organization_id: UUID) -> None:
    """Assign positions to the notifications that have arrived in the organisation's inbox since it was last read.

    Every notification that is committed by now gets a lower position than any that is committed later, so a reader who
    remembers the last position that it saw misses nothing. The lock on the counter's row lets only one reader at
    a time assign positions.
    """
    connection = await raw(session)
    unread = "SELECT 1 FROM notification WHERE organization_id = $1 AND position IS NULL LIMIT 1"
    if await connection.fetchval(unread, organization_id) is None:
        return
    await connection.execute(
        "INSERT INTO inbox_counter (organization_id, last_position) VALUES ($1, 0)"
        " ON CONFLICT (organization_id) DO UPDATE SET last_position = inbox_counter.last_position",
        organization_id,
    )
    await connection.execute(
        """
        WITH numbered AS (
            SELECT message_id, row_number() OVER (ORDER BY message_id) AS step
            FROM notification WHERE organization_id = $1 AND position IS NULL
        ), placed AS (
            UPDATE notification SET position = counter.last_position + numbered.step
            FROM numbered, inbox_counter AS counter
            WHERE notification.message_id = numbered.message_id AND counter.organization_id = $1
            RETURNING notification.position
        )
        UPDATE inbox_counter SET last_position = greatest(last_position, (SELECT max(position) FROM placed))
        WHERE organization_id = $1
        """,
        organization_id,
    )


async def purge_notifications(session: AsyncSession, *, older_than: timedelta, limit: int = 5_000) -> int:
    """Delete notifications after `older_than` of real time, read or not; return their number."""
    rows = await (await raw(session)).fetch(
        """
        WITH old AS (
            SELECT message_id FROM notification WHERE stored_at < statement_timestamp() - $1::interval
            LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM notification USING old WHERE notification.message_id = old.message_id
        RETURNING notification.message_id
        """,
        older_than,
        limit,
    )
    return len(rows)
