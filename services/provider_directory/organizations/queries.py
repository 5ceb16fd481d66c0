"""Queries of organisations with their accreditations and agreements."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from typing import TypeVar
from uuid import UUID

from sqlmodel import col, select, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.errors import NotFound
from libs.events.codes import PublicationStatus
from services.provider_directory.organizations.rules import OrganizationType, Rights
from services.provider_directory.organizations.schemas import OrganizationView, ValidityView
from services.provider_directory.organizations.tables import Accreditation, Agreement, Organization

V = TypeVar("V", Accreditation, Agreement)


async def find(session: AsyncSession, organization_id: UUID, *, lock: bool = False) -> Organization | None:
    """One organisation or None; locked until the end of the transaction if `lock` is set."""
    statement = select(Organization).where(Organization.id == organization_id)
    if lock:
        # Not FOR UPDATE: meanwhile other transactions may still add rows that refer to the organisation.
        statement = statement.with_for_update(key_share=True)
    return (await session.exec(statement)).one_or_none()


async def lock_own(session: AsyncSession, organization_id: UUID, *, rights: Rights) -> Organization:
    """An organisation that the caller may write, locked; `NotFound` for others and for unknown ones."""
    organization = await find(session, organization_id, lock=True) if rights.may_write(organization_id) else None
    if organization is None or not rights.sees(restricted=organization.restricted):
        raise NotFound
    return organization


async def view(
    session: AsyncSession, organization_id: UUID, *, rights: Rights, restricted: AbstractSet[str]
) -> OrganizationView:
    """One organisation as this caller may see it, or `NotFound`."""
    organization = await find(session, organization_id)
    if organization is None or not rights.sees(restricted=organization.restricted):
        raise NotFound
    return (await views(session, [organization], rights=rights, restricted=restricted))[0]


async def after(
    session: AsyncSession,
    cursor: Sequence[str] | None,
    *,
    limit: int,
    rights: Rights,
    ids: Sequence[UUID] | None = None,
) -> Sequence[Organization]:
    """Up to `limit` organisations after the cursor (name, id), ordered by name. `ids`: only these."""
    statement = select(Organization).order_by(col(Organization.name), col(Organization.id)).limit(limit)
    if ids is not None:
        statement = statement.where(col(Organization.id).in_(ids))
    if not rights.sees_restricted:
        statement = statement.where(col(Organization.restricted).is_(False))
    if cursor is not None:
        name, organization_id = cursor
        statement = statement.where(
            tuple_(col(Organization.name), col(Organization.id)) > tuple_(name, UUID(organization_id))
        )
    return (await session.exec(statement)).all()


async def views(
    session: AsyncSession, organizations: Sequence[Organization], *, rights: Rights, restricted: AbstractSet[str]
) -> list[OrganizationView]:
    """Organisations with their accreditations and agreements, without the restricted categories that the caller may not
    see. `restricted`: those of the pack."""
    ids = [organization.id for organization in organizations]
    accreditations = await _held(session, Accreditation, ids)
    agreements = await _held(session, Agreement, ids)
    return [
        OrganizationView(
            id=organization.id,
            name=organization.name,
            description=organization.description,
            alternate_name=organization.alternate_name,
            website=organization.website,
            organization_type=OrganizationType(organization.organization_type),
            acts_for=organization.acts_for,
            status=PublicationStatus(organization.status),
            version=organization.version,
            accreditations=_shown(accreditations, organization.id, rights, restricted),
            agreements=_shown(agreements, organization.id, rights, restricted),
            created_at=organization.created_at,
            changed_at=organization.changed_at,
        )
        for organization in organizations
    ]


async def is_accredited(
    session: AsyncSession, organization_id: UUID, categories: AbstractSet[str], *, today: date
) -> bool:
    """True if the organisation has an accreditation for one of the categories that is valid today."""
    statement = select(Accreditation).where(
        Accreditation.organization_id == organization_id,
        col(Accreditation.category).in_(categories),
        col(Accreditation.valid_until) >= today,
    )
    return (await session.exec(statement.limit(1))).first() is not None


async def _held(session: AsyncSession, table: type[V], ids: Sequence[UUID]) -> Sequence[V]:
    statement = select(table).where(col(table.organization_id).in_(ids)).order_by(col(table.category))
    return (await session.exec(statement)).all()


def _shown(
    held: Sequence[V], organization_id: UUID, rights: Rights, restricted: AbstractSet[str]
) -> list[ValidityView]:
    return [
        ValidityView(category=item.category, valid_until=item.valid_until)
        for item in held
        if item.organization_id == organization_id and rights.sees_category(item.category, restricted=restricted)
    ]
