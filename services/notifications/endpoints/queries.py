"""Queries of endpoints. An organisation sees only its own rows; for it, rows of others do not exist."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import own_work, raw
from libs.chassis.errors import NotFound
from libs.chassis.knowing import Known
from libs.chassis.paging import COUNT_MAX, Count, PageRequest
from services.notifications.endpoints.rules import EndpointStatus, NotifiedType
from services.notifications.endpoints.schemas import EndpointInTrouble, EndpointsInTrouble
from services.notifications.endpoints.tables import Endpoint, EndpointSecret


async def endpoint(session: AsyncSession, endpoint_id: UUID, *, organization_id: UUID, lock: bool = False) -> Endpoint:
    """One endpoint of the organisation, or `NotFound`. With `lock`, no other transaction can change it until the
    commit."""
    query = select(Endpoint).where(
        Endpoint.id == endpoint_id,
        Endpoint.organization_id == organization_id,
        Endpoint.status != EndpointStatus.DELETED,
    )
    if lock:
        # Not FOR UPDATE: a change never affects the key, so transactions that only refer to the key need not wait.
        query = query.with_for_update(key_share=True)
    found = (await session.exec(query)).one_or_none()
    if found is None:
        raise NotFound
    return found


async def endpoints(session: AsyncSession, *, organization_id: UUID, page: PageRequest) -> Sequence[Endpoint]:
    """The organisation's endpoints, oldest first."""
    query = (
        select(Endpoint)
        .where(Endpoint.organization_id == organization_id, Endpoint.status != EndpointStatus.DELETED)
        .order_by(col(Endpoint.id))
        .limit(page.limit + 1)
    )
    if page.after is not None:
        query = query.where(col(Endpoint.id) > UUID(page.after[0]))
    return (await session.exec(query)).all()


async def endpoint_count(session: AsyncSession, *, organization_id: UUID) -> int:
    """How many endpoints the organisation has."""
    query = select(func.count()).where(
        Endpoint.organization_id == organization_id, Endpoint.status != EndpointStatus.DELETED
    )
    return (await session.exec(query)).one()


def event_types(endpoint: Endpoint) -> list[NotifiedType] | None:
    """The types that an endpoint asks for; None: all."""
    return None if endpoint.event_types is None else [NotifiedType(text) for text in endpoint.event_types]


async def secret(session: AsyncSession, secret_id: UUID) -> EndpointSecret | None:
    """One secret's row, or None after a rotation has removed it."""
    return (await session.exec(select(EndpointSecret).where(EndpointSecret.id == secret_id))).one_or_none()


async def signing_secrets(session: AsyncSession, endpoint_ids: Sequence[UUID]) -> dict[UUID, list[EndpointSecret]]:
    """The valid secrets of each endpoint, newest first. Their end is compared with real time, as the time of a
    signature is."""
    query = (
        select(EndpointSecret)
        .where(
            col(EndpointSecret.endpoint_id).in_(endpoint_ids),
            or_(col(EndpointSecret.signs_until).is_(None), col(EndpointSecret.signs_until) > func.clock_timestamp()),
        )
        .order_by(col(EndpointSecret.signs_until).desc().nulls_first())
    )
    found: dict[UUID, list[EndpointSecret]] = {}
    for row in await session.exec(query):
        found.setdefault(row.endpoint_id, []).append(row)
    return found


@dataclass(frozen=True, slots=True)
class Health:
    """The data that decide whether an endpoint stays enabled."""

    endpoint_id: UUID
    organization_id: UUID
    status: EndpointStatus
    failing_since: datetime | None


async def lock_health(session: AsyncSession, endpoint_ids: Sequence[UUID]) -> dict[UUID, Health]:
    """The health of these endpoints, locked in the order of their ids until the commit."""
    rows = await (await raw(session)).fetch(
        "SELECT id, organization_id, status, failing_since FROM endpoint WHERE id = ANY($1)"
        " ORDER BY id FOR NO KEY UPDATE",
        list(endpoint_ids),
    )
    return {
        row["id"]: Health(row["id"], row["organization_id"], EndpointStatus(row["status"]), row["failing_since"])
        for row in rows
    }


_KNOWN = "SELECT 'endpoint' AS kind, id, 0 AS version, status AS state, organization_id AS of FROM endpoint ORDER BY id"


async def known(session: AsyncSession) -> list[Known]:
    """The endpoints and their organisations, for the comparison with the directory."""
    return [Known(**dict(row)) for row in await (await raw(session)).fetch(_KNOWN)]


TROUBLED_SHOWN = 50
_TROUBLED = "FROM endpoint WHERE failing_since IS NOT NULL AND disabled_reason IS DISTINCT FROM 'by_owner'"
_TROUBLED_COUNT = f"SELECT count(*) FROM (SELECT {_TROUBLED} LIMIT {COUNT_MAX + 1}) AS troubled"  # noqa: S608
_TROUBLED_ENDPOINTS = f"""
    SELECT e.organization_id, e.id AS endpoint_id, e.status, e.disabled_reason, e.failing_since AS since,
        w.failed_attempts, w.waiting_deliveries
    FROM (SELECT * {_TROUBLED} ORDER BY failing_since, id LIMIT {TROUBLED_SHOWN}) AS e
    CROSS JOIN LATERAL (
        SELECT count(*) AS waiting_deliveries, coalesce(sum(attempt_count), 0) AS failed_attempts FROM (
            SELECT attempt_count FROM delivery d
            WHERE d.endpoint_id = e.id AND d.status = 'pending' AND ($1 OR NOT d.restricted) LIMIT {COUNT_MAX}
        ) AS waiting
    ) AS w
    ORDER BY e.failing_since, e.id
"""  # noqa: S608 (constants)


async def endpoints_in_trouble(session: AsyncSession, *, restricted: bool) -> EndpointsInTrouble:
    """The endpoints of all organisations that fail. Without `restricted`, deliveries about restricted services do not
    count."""
    async with own_work(session):
        connection = await raw(session)
        found = await connection.fetchval(_TROUBLED_COUNT)
        rows = await connection.fetch(_TROUBLED_ENDPOINTS, restricted)
    return EndpointsInTrouble(total=Count.of(found), items=[EndpointInTrouble(**dict(row)) for row in rows])
