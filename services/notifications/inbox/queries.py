"""Reads of the inbox. An organisation sees its own rows only."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notifications.inbox.tables import Notification


async def notifications(
    session: AsyncSession, *, organization_id: UUID, after_position: int, limit: int
) -> Sequence[Notification]:
    """At most `limit + 1` numbered notifications after a position, oldest first."""
    query = (
        select(Notification)
        .where(Notification.organization_id == organization_id, col(Notification.position) > after_position)
        .order_by(col(Notification.position))
        .limit(limit + 1)
    )
    return (await session.exec(query)).all()
