"""Queries of deliveries. An organisation sees only its own rows; for it, rows of others do not exist."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.chassis.errors import NotFound
from libs.chassis.paging import PageRequest
from services.notifications.deliveries.rules import DeliveryStatus
from services.notifications.deliveries.tables import Attempt, Delivery


async def delivery(
    session: AsyncSession, delivery_id: UUID, *, organization_id: UUID, restricted: bool, lock: bool = False
) -> Delivery:
    """One delivery of the organisation, or `NotFound`. With `lock`, no other transaction can change it until the
    commit."""
    query = select(Delivery).where(Delivery.id == delivery_id, Delivery.organization_id == organization_id)
    if not restricted:
        query = query.where(col(Delivery.restricted).is_(False))
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = (await session.exec(query)).one_or_none()
    if found is None:
        raise NotFound
    return found


async def attempts(session: AsyncSession, delivery_id: UUID) -> Sequence[Attempt]:
    """The log of a delivery, oldest first."""
    query = select(Attempt).where(Attempt.delivery_id == delivery_id).order_by(col(Attempt.number))
    return (await session.exec(query)).all()


async def deliveries(
    session: AsyncSession,
    *,
    organization_id: UUID,
    restricted: bool,
    status: DeliveryStatus | None,
    endpoint_id: UUID | None,
    page: PageRequest,
) -> Sequence[Delivery]:
    """The organisation's deliveries, newest first."""
    query = select(Delivery).where(Delivery.organization_id == organization_id)
    if not restricted:
        query = query.where(col(Delivery.restricted).is_(False))
    if status is not None:
        query = query.where(Delivery.status == status)
    if endpoint_id is not None:
        query = query.where(Delivery.endpoint_id == endpoint_id)
    if page.after is not None:
        created_at, id_ = page.after
        query = query.where(
            tuple_(col(Delivery.created_at), col(Delivery.id)) < (datetime.fromisoformat(created_at), UUID(id_))
        )
    query = query.order_by(col(Delivery.created_at).desc(), col(Delivery.id).desc()).limit(page.limit + 1)
    return (await session.exec(query)).all()


async def not_enabled_with_due(session: AsyncSession) -> list[UUID]:
    """Endpoints that are not enabled and still have due deliveries."""
    rows = await (await raw(session)).fetch(
        """
        SELECT id FROM endpoint
        WHERE status <> 'enabled' AND EXISTS (
            SELECT FROM delivery
            WHERE delivery.endpoint_id = endpoint.id AND delivery.status = 'pending' AND delivery.due_at <= $1
        )
        """,
        now(session),
    )
    return [row["id"] for row in rows]
