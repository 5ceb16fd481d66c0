"""The actions on organisations: put, accredit, record an agreement. Each publishes the complete state."""

from collections.abc import Callable
from datetime import date
from typing import TypeVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, own_work
from libs.chassis.errors import InvalidInput, NotFound
from libs.events import outbox
from libs.events.catalogue.directory import Accreditation as PublishedAccreditation
from libs.events.catalogue.directory import Agreement as PublishedAgreement
from libs.events.catalogue.directory import OrganizationPublished
from libs.events.codes import NeedCategory, PublicationStatus
from libs.taxonomy.told import category_faults
from services.provider_directory.errors import AdminOnly, RestrictedScopeMissing
from services.provider_directory.organizations import queries, rules
from services.provider_directory.organizations.rules import Rights
from services.provider_directory.organizations.schemas import OrganizationBody, OrganizationView
from services.provider_directory.organizations.tables import Accreditation, Agreement, Organization
from services.provider_directory.pack import Pack

V = TypeVar("V", Accreditation, Agreement)

Precondition = Callable[[int | None], None]
"""Raises an error if the current version (None: the object does not exist) is not the version that the caller wants to
change."""

EVERYTHING = Rights(organization_id=None, is_admin=True, writes=True, sees_restricted=True)
"""The complete state is published, whatever the caller's own rights are."""


async def put_organization(
    session: AsyncSession, organization_id: UUID, body: OrganizationBody, *, rights: Rights, precondition: Precondition
) -> bool:
    """Create the organisation or replace it; return True if it is new. Another organisation is `NotFound`."""
    async with own_work(session):  # an id may be in use in rows that the caller cannot see
        organization = await queries.find(session, organization_id, lock=True)
    seen = organization is None or rights.sees(restricted=organization.restricted)
    if not (seen and rights.may_write(organization_id)):
        raise NotFound
    precondition(organization.version if organization else None)
    current = PublicationStatus(organization.status) if organization else PublicationStatus.ACTIVE
    if body.status not in (None, current) and not rights.is_admin:
        raise AdminOnly(pointer="/status")
    acts_for = organization.acts_for if organization else None
    if "acts_for" in body.model_fields_set and body.acts_for != acts_for:
        if not rights.is_admin:
            raise AdminOnly(pointer="/acts_for")
        acts_for = body.acts_for
    values = {**body.model_dump(mode="json"), "status": (body.status or current).value, "acts_for": acts_for}
    if organization is None:
        moment = now(session)
        organization = Organization(
            id=organization_id, restricted=False, version=1, created_at=moment, changed_at=moment, **values
        )
        session.add(organization)
        await _publish(session, organization)
        return True
    values["status"] = rules.status_after(current, wanted=body.status).value
    if any(getattr(organization, name) != value for name, value in values.items()):
        for name, value in values.items():
            setattr(organization, name, value)
        await _change(session, organization)
    return False


async def put_validity(
    session: AsyncSession,
    table: type[V],
    organization_id: UUID,
    category: NeedCategory,
    *,
    valid_until: date,
    rights: Rights,
    precondition: Precondition,
    pack: Pack,
) -> bool:
    """Give the organisation an accreditation or a data-sharing agreement for the category, or change its last day.
    Return True if it had none."""
    faults = category_faults(pack.taxonomy, category, pointer="category")
    faults += pack.times.valid_until.faults(valid_until, at=now(session), pointer="/valid_until")
    if faults:
        raise InvalidInput(errors=faults)
    organization = await queries.lock_own(session, organization_id, rights=rights)
    if not rights.sees_category(category, restricted=pack.restricted):
        raise RestrictedScopeMissing
    precondition(organization.version)
    held = await session.get(table, (organization_id, category))
    if held is not None and held.valid_until == valid_until:
        return False
    row = table(organization_id=organization_id, category=category, valid_until=valid_until, changed_at=now(session))
    await session.merge(row)
    await _change(session, organization)
    return held is None


async def _change(session: AsyncSession, organization: Organization) -> None:
    organization.version += 1
    organization.changed_at = now(session)
    await _publish(session, organization)


async def _publish(session: AsyncSession, organization: Organization) -> None:
    await session.flush()
    async with own_work(session):
        [view] = await queries.views(session, [organization], rights=EVERYTHING, restricted=frozenset())
    await outbox.append(session, [_published(view)])


def _published(view: OrganizationView) -> OrganizationPublished:
    return OrganizationPublished(
        organization_id=view.id,
        version=view.version,
        status=view.status,
        accreditations=[
            PublishedAccreditation(category=item.category, valid_until=item.valid_until) for item in view.accreditations
        ],
        agreements=[
            PublishedAgreement(category=item.category, valid_until=item.valid_until) for item in view.agreements
        ],
        acts_for=view.acts_for,
    )
