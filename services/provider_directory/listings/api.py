"""Services and locations over HTTP: put, list, read; suspend, resume and withdraw a service."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import InvalidInput, NotFound
from libs.chassis.etag import IfMatchOrNone, PreconditionRequired, VersionMismatch
from libs.chassis.idempotency import OnceOptional
from libs.chassis.paging import Page, PageQuery, page_of
from libs.chassis.problems import responses
from libs.chassis.tenancy import ORGANIZATIONS_AND_STAFF
from libs.events.codes import NeedCategory
from libs.taxonomy.told import category_faults
from services.provider_directory.errors import RestrictedScopeMissing, StepNotAllowed
from services.provider_directory.listings import actions, queries
from services.provider_directory.listings.schemas import LocationBody, LocationView, ServiceBody, ServiceView
from services.provider_directory.organizations.api import CREATED, Ids, IfMatchGiven, answered, rights_of
from services.provider_directory.organizations.rules import Step
from services.provider_directory.pack import ThePack

router = APIRouter(prefix="/v1", tags=["listings"])

Reader = Annotated[Caller, requires("directory:read", by=ORGANIZATIONS_AND_STAFF)]
Writer = Annotated[Caller, requires("directory:write", by=ORGANIZATIONS_AND_STAFF)]


@router.get("/services")
async def list_services(
    session: Session,
    page: PageQuery,
    caller: Reader,
    pack: ThePack,
    organization_id: Annotated[UUID | None, Query(description="Only those of this organisation")] = None,
    category: Annotated[NeedCategory | None, Query(description="Only those of this category")] = None,
    ids: Ids = None,
) -> Page[ServiceView]:
    """Services of any status, ordered by name. To find a service that can help, use the search.

    With `id`: only these; ids that the caller may not see are left out.
    """
    faults = category_faults(pack.taxonomy, category, pointer="category")
    if faults:
        raise InvalidInput(errors=faults)
    rights = rights_of(caller)
    rows = await queries.after(
        session,
        page.after,
        limit=page.limit + 1,
        rights=rights,
        organization_id=organization_id,
        category=category,
        ids=ids,
    )
    views = [listing.seen_by(rights) for listing in await queries.listings(session, rows)]
    return page_of(views, request=page, cursor_of=lambda view: [view.name, str(view.id)])


@router.get("/services/{service_id}", responses=responses(NotFound))
async def read_service(service_id: UUID, session: Session, response: Response, caller: Reader) -> ServiceView:
    """One service: as it was entered, and as it was published."""
    return answered(response, await queries.view(session, service_id, rights=rights_of(caller)))


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
    pack: ThePack,
) -> ServiceView:
    """Create or replace the service with this id. Replacing requires If-Match. A change is published."""
    rights = rights_of(caller)
    created = await actions.put_service(
        session, service_id, body, rights=rights, precondition=condition.check, pack=pack
    )
    return answered(response, await queries.view(session, service_id, rights=rights), created=created)


async def _step(
    service_id: UUID,
    session: Session,
    response: Response,
    precondition: IfMatchGiven,
    caller: Writer,
    once: OnceOptional,
) -> Callable[[Step], Awaitable[ServiceView]]:
    rights = rights_of(caller)

    async def take(step: Step) -> ServiceView:
        await once(
            session,
            lambda: actions.step_service(session, service_id, step, rights=rights, precondition=precondition),
        )
        return answered(response, await queries.view(session, service_id, rights=rights))

    return take


StepTaken = Annotated[Callable[[Step], Awaitable[ServiceView]], Depends(_step)]
"""Takes a step of the service that the request names, once per Idempotency-Key, and returns its view."""


@router.post("/services/{service_id}/suspend", responses=responses(NotFound, StepNotAllowed, VersionMismatch))
async def suspend_service(step: StepTaken) -> ServiceView:
    """Suspend the service: it gets no offers until it is resumed."""
    return await step(Step.SUSPEND)


@router.post("/services/{service_id}/resume", responses=responses(NotFound, StepNotAllowed, VersionMismatch))
async def resume_service(step: StepTaken) -> ServiceView:
    """Resume a suspended service: it gets offers again."""
    return await step(Step.RESUME)


@router.post("/services/{service_id}/withdraw", responses=responses(NotFound, StepNotAllowed, VersionMismatch))
async def withdraw_service(step: StepTaken) -> ServiceView:
    """Withdraw the service permanently."""
    return await step(Step.WITHDRAW)


@router.get("/locations")
async def list_locations(
    session: Session,
    page: PageQuery,
    caller: Reader,
    organization_id: Annotated[UUID | None, Query(description="Only those of this organisation")] = None,
) -> Page[LocationView]:
    """Locations, ordered by id."""
    views = await queries.locations_after(
        session, page.after, limit=page.limit + 1, rights=rights_of(caller), organization_id=organization_id
    )
    return page_of(views, request=page, cursor_of=lambda view: [str(view.id)])


@router.get("/locations/{location_id}", responses=responses(NotFound))
async def read_location(location_id: UUID, session: Session, response: Response, caller: Reader) -> LocationView:
    """One location."""
    return answered(response, await queries.location_view(session, location_id, rights=rights_of(caller)))


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
    return answered(response, await queries.location_view(session, location_id, rights=rights), created=created)
