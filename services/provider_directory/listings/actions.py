"""The actions on services and locations. Each change of a service publishes its complete routing view.

All of them lock the row of the organisation first, so that the values that a service takes from its location cannot
change between reading and publishing.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlmodel import col, delete
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, own_work
from libs.chassis.errors import FieldError, InvalidInput, NotFound
from libs.events import outbox
from libs.events.codes import PublicationStatus
from libs.taxonomy.model import Taxonomy
from libs.taxonomy.told import category_faults, document_faults, kind_faults, scope_faults
from services.provider_directory.errors import RestrictedScopeMissing
from services.provider_directory.listings import queries, rules
from services.provider_directory.listings.schemas import Address, LocationBody, OpeningBody, ServiceBody
from services.provider_directory.listings.tables import Address as AddressRow
from services.provider_directory.listings.tables import (
    Language,
    Location,
    ProviderService,
    RequiredDocument,
    Schedule,
    ServiceArea,
)
from services.provider_directory.organizations import queries as organizations
from services.provider_directory.organizations.actions import Precondition
from services.provider_directory.organizations.rules import Rights, Step, next_status, status_after
from services.provider_directory.organizations.tables import Organization
from services.provider_directory.pack import Pack

_SERVICE_COLUMNS = (
    "organization_id", "location_id", "name", "description", "service_type", "place", "on_site_at", "timezone",
    "language_must_match", "access", "accepts_automatically", "max_stay_hours", "address_hidden",
)  # fmt: skip
_ELIGIBILITY_COLUMNS = (
    "minimum_age", "maximum_age", "sexes", "nationalities", "households", "unaccompanied_children",
)  # fmt: skip


async def put_service(
    session: AsyncSession,
    service_id: UUID,
    body: ServiceBody,
    *,
    rights: Rights,
    precondition: Precondition,
    pack: Pack,
) -> bool:
    """Create the service or replace it; return True if it is new. Another organisation's service is `NotFound`."""
    _require_codes(body, pack.taxonomy)
    async with own_work(session):  # an id may be in use in rows that the caller cannot see
        organization = await _lock_organization(session, body.organization_id, rights)
        service = await queries.find(session, service_id, lock=True)
        _require_own(service, body.organization_id, rights)
        if service is not None and not rights.sees(restricted=service.restricted):
            raise NotFound
        precondition(service.version if service else None)
        [stored] = await queries.listings(session, [service]) if service else [None]
    restricted = _require_scope(body, rights, pack.restricted)
    await _require_licence(session, body, stored.body if stored else None, rights, pack.taxonomy)
    await _require_location(session, body)
    current = PublicationStatus(service.status) if service else body.status or PublicationStatus.ACTIVE
    status = status_after(current, wanted=body.status)
    body = body.model_copy(update={"status": status, "restricted": restricted})
    if service is not None and stored is not None and stored.body == body:
        return False
    moment = now(session)
    if service is None:
        service = ProviderService(id=service_id, version=1, created_at=moment, changed_at=moment, **_columns(body))
        session.add(service)
    else:
        _change(service, _columns(body), moment)
    await _write_parts(session, service_id, body)
    await _publish(session, [service])
    async with own_work(session):
        organization.restricted = await queries.only_restricted(session, organization.id)
        await session.flush()
    return stored is None


async def step_service(
    session: AsyncSession, service_id: UUID, step: Step, *, rights: Rights, precondition: Precondition
) -> UUID:
    """Suspend, resume or withdraw a service; return its id. Raises `StepNotAllowed` if its status does not allow it."""
    service = await queries.find_seen(session, service_id, rights=rights)
    await organizations.lock_own(session, service.organization_id, rights=rights)
    locked = await queries.find(session, service_id, lock=True)
    assert locked is not None, "services are never deleted"
    precondition(locked.version)
    _change(locked, {"status": next_status(PublicationStatus(locked.status), step).value}, now(session))
    await _publish(session, [locked])
    return service_id


async def put_location(
    session: AsyncSession, location_id: UUID, body: LocationBody, *, rights: Rights, precondition: Precondition
) -> bool:
    """Create the location or replace it; return True if it is new. Services that change as a result are published."""
    async with own_work(session):  # an id may be in use in rows that the caller cannot see
        await _lock_organization(session, body.organization_id, rights)
        location = await queries.find_location(session, location_id, lock=True)
        _require_own(location, body.organization_id, rights)
        if location is not None and not await queries.location_exists_for(session, location, rights=rights):
            raise NotFound
    precondition(location.version if location else None)
    if location is None:
        moment = now(session)
        values = _location_columns(body)
        session.add(Location(id=location_id, version=1, created_at=moment, changed_at=moment, **values))
        await session.flush()
        await _write_location_parts(session, location_id, body)
        return True
    async with own_work(session):
        stored = (await queries.location_bodies(session, [location]))[location_id]
    if stored != body:
        await _change_location(session, location, body)
    return False


async def _change_location(session: AsyncSession, location: Location, body: LocationBody) -> None:
    async with own_work(session):  # services at this location change too, also those that the caller cannot see
        here = await queries.at_location(session, location.id)
        before = [listing.published() for listing in await queries.listings(session, here)]
    _change(location, _location_columns(body), now(session))
    await session.flush()
    await _write_location_parts(session, location.id, body)
    async with own_work(session):
        after = await queries.listings(session, here)
        changed = [listing.service for was, listing in zip(before, after, strict=True) if listing.published() != was]
        for service in changed:
            _change(service, {}, now(session))
        await _publish(session, changed)


def _change(row: ProviderService | Location, values: Mapping[str, Any], moment: datetime) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.version += 1
    row.changed_at = moment


async def _publish(session: AsyncSession, services: Sequence[ProviderService]) -> None:
    """Publish the present routing view of these locked services."""
    await session.flush()
    async with own_work(session):
        published = [listing.published() for listing in await queries.listings(session, services)]
    await outbox.append(session, published)


async def _lock_organization(session: AsyncSession, organization_id: UUID, rights: Rights) -> Organization:
    if not rights.may_write(organization_id):
        raise NotFound
    organization = await organizations.find(session, organization_id, lock=True)
    if organization is None:
        raise _invalid("/organization_id", "unknown-organization", "There is no such organisation")
    if not rights.sees(restricted=organization.restricted):
        raise NotFound
    return organization


def _require_scope(body: ServiceBody, rights: Rights, categories: AbstractSet[str]) -> bool:
    """Whether the service is restricted, by its mark or as one of these categories. Only callers who see such services
    may write one."""
    restricted = body.restricted or body.category in categories
    if not rights.sees(restricted=restricted):
        raise RestrictedScopeMissing(pointer="/restricted")
    return restricted


def _require_own(listed: ProviderService | Location | None, organization_id: UUID, rights: Rights) -> None:
    if listed is None or listed.organization_id == organization_id:
        return
    if not rights.may_write(listed.organization_id):
        raise NotFound
    raise _invalid("/organization_id", "organization-fixed", "It belongs to another organisation and stays there")


async def _require_location(session: AsyncSession, body: ServiceBody) -> None:
    if body.location_id is None:
        return
    async with own_work(session):
        location = await queries.find_location(session, body.location_id)
    if location is None or location.organization_id != body.organization_id:
        raise _invalid("/location_id", "unknown-location", "The organisation has no such location")


async def _require_licence(
    session: AsyncSession, body: ServiceBody, stored: ServiceBody | None, rights: Rights, taxonomy: Taxonomy
) -> None:
    if stored is not None and stored.eligibility.unaccompanied_children:
        return
    licences = {code for code, category in taxonomy.categories.items() if category.child_licence}
    today = now(session).date()
    licensed = await organizations.is_accredited(session, body.organization_id, licences, today=today)
    claimed = body.eligibility.unaccompanied_children
    if rules.lacks_licence(unaccompanied_children=claimed, licensed=licensed, is_admin=rights.is_admin):
        raise _invalid(
            "/eligibility/unaccompanied_children",
            "licence-missing",
            f"Only an organisation accredited for {' or '.join(sorted(licences))} may take unaccompanied children",
        )


def _require_codes(body: ServiceBody, taxonomy: Taxonomy) -> None:
    faults = category_faults(taxonomy, body.category, pointer="/category")
    for document in body.eligibility.documents_required:  # the list is sorted by now, so a position would mislead
        faults += document_faults(taxonomy, document, pointer="/eligibility/documents_required")
    for number, offered in enumerate(body.kinds if body.category in taxonomy.categories else ()):
        pointer = f"/kinds/{number}"
        wrong = kind_faults(taxonomy, offered.kind, category=body.category, pointer=f"{pointer}/kind")
        if not wrong and offered.kind in [one.kind for one in body.kinds[:number]]:
            wrong = [FieldError(f"{pointer}/kind", "kind-repeated", "A kind may occur only once")]
        if not wrong:
            scope = [(covered.detail, covered.values) for covered in offered.scope]
            wrong = scope_faults(taxonomy, offered.kind, scope, pointer=f"{pointer}/scope")
        faults += wrong
    if faults:
        raise InvalidInput(errors=faults)


def _invalid(pointer: str, rule: str, detail: str) -> InvalidInput:
    return InvalidInput(errors=[FieldError(pointer, rule, detail)])


def _columns(body: ServiceBody) -> dict[str, Any]:
    plain = body.model_dump(mode="json")
    values = {name: getattr(body, name) for name in _SERVICE_COLUMNS}
    values |= {name: plain["eligibility"][name] for name in _ELIGIBILITY_COLUMNS}
    values |= {name: plain[name] for name in ("status", "category", "restricted", "access", "kinds")}
    return {**values, "own_schedule": body.openings is not None}


def _location_columns(body: LocationBody) -> dict[str, Any]:
    return {**body.model_dump(exclude={"openings", "address"}), **body.model_dump(mode="json", include={"access"})}


async def _write_parts(session: AsyncSession, service_id: UUID, body: ServiceBody) -> None:
    await session.flush()
    for table in (Schedule, Language, ServiceArea, RequiredDocument, AddressRow):
        await session.exec(delete(table).where(col(table.service_id) == service_id))
    session.add_all(_schedule(body.openings or [], owner="service_id", owner_id=service_id))
    session.add_all(
        Language(id=uuid5(service_id, f"language/{code}"), service_id=service_id, code=code) for code in body.languages
    )
    session.add_all(
        ServiceArea(id=uuid5(service_id, f"service_area/{place}"), service_id=service_id, place=place)
        for place in body.catchment
    )
    session.add_all(
        RequiredDocument(id=uuid5(service_id, f"required_document/{kind}"), service_id=service_id, document=kind)
        for kind in body.eligibility.documents_required
    )
    session.add_all(_address(body.address, owner="service_id", owner_id=service_id))


async def _write_location_parts(session: AsyncSession, location_id: UUID, body: LocationBody) -> None:
    for table in (Schedule, AddressRow):
        await session.exec(delete(table).where(col(table.location_id) == location_id))
    session.add_all(_schedule(body.openings, owner="location_id", owner_id=location_id))
    session.add_all(_address(body.address, owner="location_id", owner_id=location_id))
    await session.flush()


def _schedule(openings: Sequence[OpeningBody], *, owner: str, owner_id: UUID) -> Iterable[Schedule]:
    for opening in openings:
        id_ = uuid5(owner_id, f"schedule/{opening.weekday}/{opening.opens_minute}")
        values: dict[str, Any] = {owner: owner_id, **opening.model_dump()}
        yield Schedule(id=id_, **values)


def _address(address: Address | None, *, owner: str, owner_id: UUID) -> Iterable[AddressRow]:
    if address is not None:
        values: dict[str, Any] = {owner: owner_id, **address.model_dump()}
        yield AddressRow(id=uuid5(owner_id, "address"), address_type="physical", **values)
