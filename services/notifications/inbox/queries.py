"""Queries of the inbox. An organisation sees only its own rows."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from services.notifications.inbox.tables import Notification


async def notifications(
    session: AsyncSession, *, organization_id: UUID, restricted: bool, after_position: int, limit: int
) -> Sequence[Notification]:
    """At most `limit + 1` numbered notifications after a position, oldest first."""
    query = (
        select(Notification)
        .where(Notification.organization_id == organization_id, col(Notification.position) > after_position)
        .order_by(col(Notification.position))
        .limit(limit + 1)
    )
    if not restricted:
        query = query.where(col(Notification.restricted).is_(False))
    return (await session.exec(query)).all()


async def restricted_offers(session: AsyncSession, offer_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these offers are stored as restricted."""
    found = "SELECT offer_id FROM notification WHERE restricted AND offer_id = ANY($1)"
    return {row["offer_id"] for row in await (await raw(session)).fetch(found, list(offer_ids))}
