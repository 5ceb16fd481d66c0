"""Services and locations over HTTP: put, list, read; suspend, resume and withdraw a service."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import InvalidInput, NotFound
from libs.chassis.etag import IfMatchOrNone, PreconditionRequired, VersionMismatch, etag_of
from libs.chassis.idempotency import Once, OnceOptional
from libs.chassis.paging import Page, PageQuery, page_of
from libs.chassis.problems import responses
from libs.chassis.tenancy import ORGANIZATIONS_AND_STAFF
from libs.events.codes import NeedCategory
from services.provider_directory.errors import RestrictedScopeMissing, StepNotAllowed
from services.provider_directory.listings import actions, queries
from services.provider_directory.listings.schemas import LocationBody, LocationView, ServiceBody, ServiceView
from services.provider_directory.organizations.actions import Precondition
from services.provider_directory.organizations.api import CREATED, IfMatchGiven, rights_of
from services.provider_directory.organizations.rules import Rights, Step

router = APIRouter(prefix="/v1", tags=["listings"])

Reader = Annotated[Caller, requires("directory:read", by=ORGANIZATIONS_AND_STAFF)]
Writer = Annotated[Caller, requires("directory:write", by=ORGANIZATIONS_AND_STAFF)]


@router.get("/services")
async def list_services(
    session: Session,
    page: PageQuery,
    caller: Reader,
    organization_id: Annotated[UUID | None, Query(description="Only those of this organisation")] = None,
    category: Annotated[NeedCategory | None, Query(description="Only those of this category")] = None,
) -> Page[ServiceView]:
    """Services of any status, ordered by name. To find a service that can help, use the search."""
    rights = rights_of(caller)
    rows = await queries.after(
        session,
        page.after,
        limit=page.limit + 1,
        rights=rights,
        organization_id=organization_id,
        category=category,
    )
    views = [listing.seen_by(rights) for listing in await queries.listings(session, rows)]
    return page_of(views, request=page, cursor_of=lambda view: [view.name, str(view.id)])


@router.get("/services/{service_id}", responses=responses(NotFound))
async def read_service(service_id: UUID, session: Session, response: Response, caller: Reader) -> ServiceView:
    """One service: as it was entered, and as it was published."""
    return await _answer(session, service_id, rights_of(caller), response)


@router.put(
    "/services/{service_id}",
    responses={
        **CREATED,
        **responses(
            NotFound, StepNotAllowed, RestrictedScopeMissing, VersionMismatch, PreconditionRequired, InvalidInput
        ),
    },
)
async def put_service(
    service_id: UUID,
    body: ServiceBody,
    session: Session,
    response: Response,
    condition: IfMatchOrNone,
    caller: Writer,
) -> ServiceView:
    """Create or replace the service with this id. Replacing requires If-Match. A change is published."""
    rights = rights_of(caller)
    created = await actions.put_service(session, service_id, body, rights=rights, precondition=condition.check)
    return await _answer(session, service_id, rights, response, created=created)


@router.post("/services/{service_id}/suspend", responses=responses(NotFound, StepNotAllowed, VersionMismatch))
async def suspend_service(
    service_id: UUID,
    session: Session,
    response: Response,
    precondition: IfMatchGiven,
    caller: Writer,
    once: OnceOptional,
) -> ServiceView:
    """Suspend the service: it gets no offers until it is resumed."""
    return await _step(session, service_id, Step.SUSPEND, caller, response, precondition, once)


@router.post("/services/{service_id}/resume", responses=responses(NotFound, StepNotAllowed, VersionMismatch))
async def resume_service(
    service_id: UUID,
    session: Session,
    response: Response,
    precondition: IfMatchGiven,
    caller: Writer,
    once: OnceOptional,
) -> ServiceView:
    """Resume a suspended service: it gets offers again."""
    return await _step(session, service_id, Step.RESUME, caller, response, precondition, once)


@router.post("/services/{service_id}/withdraw", responses=responses(NotFound, StepNotAllowed, VersionMismatch))
async def withdraw_service(
    service_id: UUID,
    session: Session,
    response: Response,
    precondition: IfMatchGiven,
    caller: Writer,
    once: OnceOptional,
) -> ServiceView:
    """Withdraw the service permanently."""
    return await _step(session, service_id, Step.WITHDRAW, caller, response, precondition, once)


@router.get("/locations/{location_id}", responses=responses(NotFound))
async def read_location(location_id: UUID, session: Session, response: Response, caller: Reader) -> LocationView:
    """One location."""
    return await _answer_location(session, location_id, rights_of(caller), response)


@router.put(
    "/locations/{location_id}",
    responses={**CREATED, **responses(NotFound, VersionMismatch, PreconditionRequired, InvalidInput)},
)
async def put_location(
    location_id: UUID,
    body: LocationBody,
    session: Session,
    response: Response,
    condition: IfMatchOrNone,
    caller: Writer,
) -> LocationView:
    """Create or replace the location with this id. Services that change as a result are published."""
    rights = rights_of(caller)
    created = await actions.put_location(session, location_id, body, rights=rights, precondition=condition.check)
    return await _answer_location(session, location_id, rights, response, created=created)


async def _step(
    session: Session,
    service_id: UUID,
    step: Step,
    caller: Caller,
    response: Response,
    precondition: Precondition,
    once: Once,
) -> ServiceView:
    rights = rights_of(caller)
    await once(
        session,
        lambda: actions.step_service(session, service_id, step, rights=rights, precondition=precondition),
    )
    return await _answer(session, service_id, rights, response)


async def _answer(
    session: Session, service_id: UUID, rights: Rights, response: Response, *, created: bool = False
) -> ServiceView:
    view = await queries.view(session, service_id, rights=rights)
    response.headers["ETag"] = etag_of(view.version)
    if created:
        response.status_code = 201
    return view


async def _answer_location(
    session: Session, location_id: UUID, rights: Rights, response: Response, *, created: bool = False
) -> LocationView:
    view = await queries.location_view(session, location_id, rights=rights)
    response.headers["ETag"] = etag_of(view.version)
    if created:
        response.status_code = 201
    return view
