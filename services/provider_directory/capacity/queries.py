"""Queries of declared capacity and of the trust in it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.provider_directory.capacity import rules
from services.provider_directory.capacity.rules import Pool
from services.provider_directory.capacity.schemas import CapacityView, PoolView
from services.provider_directory.capacity.tables import Capacity, CapacityDeclaration, CapacityDoubt, ServiceCapacity
from services.provider_directory.errors import CapacityNotDeclared
from services.provider_directory.listings import queries as listings
from services.provider_directory.organizations.rules import Rights


async def find(session: AsyncSession, service_id: UUID, *, lock: bool = False) -> Capacity | None:
    """The current declaration of a service or None; locked until the end of the transaction if `lock` is set."""
    statement = select(Capacity).where(Capacity.service_id == service_id)
    if lock:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await session.exec(statement)).one_or_none()


async def pools(session: AsyncSession, service_id: UUID) -> Sequence[ServiceCapacity]:
    """Every pool that the service has ever declared, ordered by kind and id."""
    statement = select(ServiceCapacity).where(ServiceCapacity.service_id == service_id)
    ordered = statement.order_by(col(ServiceCapacity.unit), col(ServiceCapacity.id))
    return (await session.exec(ordered)).all()


async def owners(session: AsyncSession, pool_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The service to which each of these pool ids belongs, for the ids that are in use."""
    statement = select(ServiceCapacity.id, ServiceCapacity.service_id).where(col(ServiceCapacity.id).in_(pool_ids))
    return dict((await session.exec(statement)).all())


async def view(session: AsyncSession, service_id: UUID, *, rights: Rights) -> CapacityView:
    """The current declaration of a service that this caller may see; `CapacityNotDeclared` if there is none."""
    service = await listings.find_seen(session, service_id, rights=rights)
    standing = await find(session, service_id)
    if standing is None:
        raise CapacityNotDeclared
    return CapacityView(
        provider_service_id=service_id,
        organization_id=service.organization_id,
        version=standing.version,
        as_of=standing.as_of,
        declared_at=standing.declared_at,
        accepted_left_out=standing.accepted_left_out,
        pools=[
            PoolView(**pool.model_dump(include=set(PoolView.model_fields)), kind=pool.unit)
            for pool in await pools(session, service_id)
            if pool.declared
        ],
        trust=await trust(session, service_id),
        said_full_at=await said_full_at(session, standing),
        refresh_requested_at=standing.refresh_requested_at,
    )


async def said_full_at(session: AsyncSession, standing: Capacity) -> datetime | None:
    """When the provider last declined an offer as full although the current figures show free places, or None."""
    doubted = select(func.max(CapacityDoubt.declined_at)).where(
        CapacityDoubt.service_id == standing.service_id, CapacityDoubt.declaration_id == standing.declaration_id
    )
    return (await session.exec(doubted)).one()


async def trust(session: AsyncSession, service_id: UUID) -> float:
    """How far the figures of this service are trusted, calculated from its latest declarations."""
    latest = (
        select(col(CapacityDeclaration.id).label("id"))
        .where(CapacityDeclaration.service_id == service_id)
        .order_by(col(CapacityDeclaration.version).desc())
        .limit(rules.TRUST_DECLARATIONS)
        .subquery()
    )
    wrong = (
        select(col(CapacityDoubt.declaration_id).label("declaration_id"))
        .where(CapacityDoubt.service_id == service_id)
        .distinct()
        .subquery()
    )
    counted = await session.exec(
        select(func.count(latest.c.id), func.count(wrong.c.declaration_id)).select_from(
            latest.outerjoin(wrong, wrong.c.declaration_id == latest.c.id)
        )
    )
    declarations_count, wrong_count = counted.one()
    return round(rules.trust(declarations_count=declarations_count, wrong_count=wrong_count), 3)


def as_pool(row: ServiceCapacity) -> Pool:
    """The pool that a row stores."""
    return Pool(
        pool_id=row.id,
        kind=row.unit,
        maximum=row.maximum,
        available=row.available,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
    )
