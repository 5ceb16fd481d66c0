"""Queries of services and locations: the rows, the bodies from which they were made, and the views for a caller."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlmodel import col, func, select, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from libs.chassis.database import own_work, raw
from libs.chassis.errors import NotFound
from libs.chassis.knowing import Known
from libs.events.catalogue.directory import ProviderServicePublished
from libs.events.codes import NeedCategory, PublicationStatus
from services.provider_directory.listings.schemas import (
    Address,
    EligibilityBody,
    LocationBody,
    LocationView,
    OpeningBody,
    ServiceBody,
    ServiceView,
    routing_view,
)
from services.provider_directory.listings.tables import Address as AddressRow
from services.provider_directory.listings.tables import (
    Language,
    Location,
    ProviderService,
    RequiredDocument,
    Schedule,
    ServiceArea,
)
from services.provider_directory.organizations.rules import Rights
from services.provider_directory.organizations.tables import Organization


@dataclass(frozen=True, slots=True)
class Listing:
    """A stored service, with the location from which it takes the values that it omits."""

    service: ProviderService
    body: ServiceBody
    location: LocationBody | None

    def published(self) -> ProviderServicePublished:
        """The routing view that is published."""
        return routing_view(
            self.body,
            self.location,
            service_id=self.service.id,
            status=PublicationStatus(self.service.status),
            version=self.service.version,
        )

    def seen_by(self, rights: Rights) -> ServiceView:
        """The service as this caller may see it."""
        row = self.service
        shown = rights.sees_address(hidden=row.address_hidden, organization_id=row.organization_id)
        fields = self.body.model_dump()
        return ServiceView(
            **{**fields, "address": fields["address"] if shown else None},
            id=row.id,
            version=row.version,
            published=self.published(),
            created_at=row.created_at,
            changed_at=row.changed_at,
        )


async def find(session: AsyncSession, service_id: UUID, *, lock: bool = False) -> ProviderService | None:
    """One service or None; locked until the end of the transaction if `lock` is set."""
    statement = select(ProviderService).where(ProviderService.id == service_id)
    if lock:
        # The row is read again, because another transaction may have changed it between an earlier read and the lock.
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await session.exec(statement)).one_or_none()


async def find_seen(session: AsyncSession, service_id: UUID, *, rights: Rights) -> ProviderService:
    """One service that this caller may see, or `NotFound`."""
    service = await find(session, service_id)
    if service is None or not rights.sees(restricted=service.restricted):
        raise NotFound
    return service


async def view(session: AsyncSession, service_id: UUID, *, rights: Rights) -> ServiceView:
    """One service as this caller may see it, or `NotFound`."""
    service = await find_seen(session, service_id, rights=rights)
    [listing] = await listings(session, [service])
    return listing.seen_by(rights)


async def after(
    session: AsyncSession,
    cursor: Sequence[str] | None,
    *,
    limit: int,
    rights: Rights,
    organization_id: UUID | None,
    category: NeedCategory | None,
    ids: Sequence[UUID] | None = None,
) -> Sequence[ProviderService]:
    """Up to `limit` services after the cursor (name, id), ordered by name, of any status. `ids`: only these."""
    statement = seen(rights).limit(limit)
    if ids is not None:
        statement = statement.where(col(ProviderService.id).in_(ids))
    if organization_id is not None:
        statement = statement.where(ProviderService.organization_id == organization_id)
    if category is not None:
        statement = statement.where(ProviderService.category == category)
    return (await session.exec(following(statement, cursor))).all()


def seen(rights: Rights) -> SelectOfScalar[ProviderService]:
    """All services that this caller may see, ordered by name."""
    statement = select(ProviderService).order_by(col(ProviderService.name), col(ProviderService.id))
    if rights.sees_restricted:
        return statement
    return statement.where(col(ProviderService.restricted).is_(False))


def following(
    statement: SelectOfScalar[ProviderService], cursor: Sequence[str] | None
) -> SelectOfScalar[ProviderService]:
    """The services after the cursor (name, id); all services if there is no cursor."""
    if cursor is None:
        return statement
    name, service_id = cursor
    return statement.where(tuple_(col(ProviderService.name), col(ProviderService.id)) > tuple_(name, UUID(service_id)))


async def at_location(session: AsyncSession, location_id: UUID) -> Sequence[ProviderService]:
    """All services given at a location, locked, in the order of their ids."""
    statement = select(ProviderService).where(ProviderService.location_id == location_id)
    locked = statement.order_by(col(ProviderService.id)).with_for_update(key_share=True)
    return (await session.exec(locked.execution_options(populate_existing=True))).all()


async def only_restricted(session: AsyncSession, organization_id: UUID) -> bool:
    """True if the organisation has services and all of them are restricted."""
    statement = select(func.bool_and(ProviderService.restricted)).where(
        ProviderService.organization_id == organization_id
    )
    return bool((await session.exec(statement)).one())


async def find_location(session: AsyncSession, location_id: UUID, *, lock: bool = False) -> Location | None:
    """One location or None; locked until the end of the transaction if `lock` is set."""
    statement = select(Location).where(Location.id == location_id)
    if lock:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await session.exec(statement)).one_or_none()


async def location_exists_for(session: AsyncSession, location: Location, *, rights: Rights) -> bool:
    """Whether the caller may see the location. False without `restricted:read` if it has only restricted services, or
    if its organisation has no others."""
    async with own_work(session):  # hidden rows decide this, so they are read with the rights of the service
        statement = select(Location.id).where(Location.id == location.id, *_locations_seen(rights))
        return (await session.exec(statement)).one_or_none() is not None


def _locations_seen(rights: Rights) -> list[ColumnElement[bool]]:
    if rights.sees_restricted:
        return []
    here = col(ProviderService.location_id) == col(Location.id)
    of_hidden = exists().where(
        and_(col(Organization.id) == col(Location.organization_id), col(Organization.restricted))
    )
    return [~of_hidden, or_(~exists().where(here), exists().where(and_(here, ~col(ProviderService.restricted))))]


async def locations_after(
    session: AsyncSession, cursor: Sequence[str] | None, *, limit: int, rights: Rights, organization_id: UUID | None
) -> list[LocationView]:
    """Up to `limit` locations after the cursor (id), ordered by id, as this caller may see them."""
    chosen = select(Location.id).where(*_locations_seen(rights)).order_by(col(Location.id)).limit(limit)
    if organization_id is not None:
        chosen = chosen.where(Location.organization_id == organization_id)
    if cursor is not None:
        chosen = chosen.where(col(Location.id) > UUID(cursor[0]))
    async with own_work(session):
        ids = (await session.exec(chosen)).all()
    statement = select(Location).where(col(Location.id).in_(ids)).order_by(col(Location.id))
    return await _location_views(session, (await session.exec(statement)).all(), rights)


async def location_view(session: AsyncSession, location_id: UUID, *, rights: Rights) -> LocationView:
    """One location as this caller may see it, or `NotFound`."""
    location = await find_location(session, location_id)
    if location is None or not await location_exists_for(session, location, rights=rights):
        raise NotFound
    return (await _location_views(session, [location], rights))[0]


async def _location_views(session: AsyncSession, rows: Sequence[Location], rights: Rights) -> list[LocationView]:
    views, bodies = [], await location_bodies(session, rows)
    for row in rows:
        fields = bodies[row.id].model_dump() | _columns(row, LocationView)
        if not rights.sees_address(hidden=row.address_hidden, organization_id=row.organization_id):
            fields |= {"address": None, "latitude": None, "longitude": None}
        views.append(LocationView(**fields))
    return views


async def listings(session: AsyncSession, services: Sequence[ProviderService]) -> list[Listing]:
    """These services with all their parts, in their order; the number of statements is fixed."""
    ids = [service.id for service in services]
    places = {service.location_id for service in services if service.location_id is not None}
    located = (await session.exec(select(Location).where(col(Location.id).in_(places)))).all() if places else []
    locations = await location_bodies(session, located)
    parts = await _parts(session, ids)
    return [
        Listing(
            service=service,
            body=_service_body(service, parts[service.id]),
            location=locations[service.location_id] if service.location_id else None,
        )
        for service in services
    ]


async def location_bodies(session: AsyncSession, locations: Iterable[Location]) -> dict[UUID, LocationBody]:
    """The bodies from which these locations were made."""
    rows = {location.id: location for location in locations}
    if not rows:
        return {}
    openings = _grouped(await _rows(session, Schedule, Schedule.location_id, rows), "location_id")
    addresses = _grouped(await _rows(session, AddressRow, AddressRow.location_id, rows), "location_id")
    return {
        id_: LocationBody(
            **_columns(location, LocationBody),
            openings=_openings(openings[id_]),
            address=_address(addresses[id_]),
        )
        for id_, location in rows.items()
    }


async def _parts(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, dict[str, list[Any]]]:
    found: dict[UUID, dict[str, list[Any]]] = {id_: defaultdict(list) for id_ in ids}
    for table in (Schedule, Language, ServiceArea, RequiredDocument, AddressRow):
        for row in await _rows(session, table, table.service_id, ids) if ids else []:
            found[row.service_id][table.__tablename__].append(row)
    return found


async def _rows(session: AsyncSession, table: Any, column: Any, ids: Iterable[UUID]) -> Sequence[Any]:
    return (await session.exec(select(table).where(col(column).in_(list(ids))))).all()


def _grouped(rows: Sequence[Any], key: str) -> dict[UUID, list[Any]]:
    groups: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, key)].append(row)
    return groups


def _service_body(service: ProviderService, parts: dict[str, list[Any]]) -> ServiceBody:
    documents = [row.document for row in parts["required_document"]]
    return ServiceBody(
        **_columns(service, ServiceBody),
        catchment=[row.place for row in parts["service_area"]],
        languages=[row.code for row in parts["language"]],
        eligibility=EligibilityBody(**_columns(service, EligibilityBody), documents_required=documents),
        openings=_openings(parts["schedule"]) if service.own_schedule else None,
        address=_address(parts["address"]),
    )


def _columns(row: Any, body: type[Any]) -> dict[str, Any]:
    """The fields of the body that are columns of the row."""
    return {name: getattr(row, name) for name in body.model_fields if name in type(row).model_fields}


def _openings(rows: Sequence[Schedule]) -> list[OpeningBody]:
    return [
        OpeningBody(weekday=row.weekday, opens_minute=row.opens_minute, closes_minute=row.closes_minute) for row in rows
    ]


def _address(rows: Sequence[AddressRow]) -> Address | None:
    return Address(**_columns(rows[0], Address)) if rows else None


_KNOWN = """
SELECT 'provider_service' AS kind, id, version, status AS state, organization_id AS of FROM service
UNION ALL SELECT 'organization', id, version, status, id FROM organization ORDER BY kind, id
"""


async def known(session: AsyncSession) -> list[Known]:
    """Services and organisations with their versions, for the comparison with referral after a restore."""
    return [Known(**dict(row)) for row in await (await raw(session)).fetch(_KNOWN)]
