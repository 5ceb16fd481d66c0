"""Organisations over HTTP: put, list, read; accreditations and agreements, which only administrators give."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.etag import IfMatchOrNone, PreconditionRequired, VersionMismatch, etag_of
from libs.chassis.paging import Page, PageQuery, page_of
from libs.chassis.problems import responses
from libs.chassis.tenancy import ORGANIZATIONS_AND_STAFF, STAFF
from libs.events.codes import NeedCategory
from services.provider_directory.errors import AdminOnly, RestrictedScopeMissing, StepNotAllowed
from services.provider_directory.organizations import actions, queries
from services.provider_directory.organizations.actions import Precondition
from services.provider_directory.organizations.rules import Rights
from services.provider_directory.organizations.schemas import OrganizationBody, OrganizationView, ValidityBody
from services.provider_directory.pack import ThePack

router = APIRouter(prefix="/v1/organizations", tags=["organizations"])


def rights_of(caller: Caller) -> Rights:
    """What the caller may see and change here."""
    return Rights.of(caller.scopes, organization_id=caller.organization_id, staff=caller.tenant.staff)


async def _if_given(condition: IfMatchOrNone, request: Request) -> Precondition:
    asked = "if-match" in request.headers
    return condition.check if asked else lambda _: None


IfMatchGiven = Annotated[Precondition, Depends(_if_given)]
"""A precondition that holds when the caller names one; for changes that carry their own protection."""

CREATED: dict[int | str, dict[str, Any]] = {201: {"description": "It is new"}}


@router.get("", responses=responses())
async def list_organizations(
    session: Session, page: PageQuery, caller: Annotated[Caller, requires("directory:read", by=ORGANIZATIONS_AND_STAFF)]
) -> Page[OrganizationView]:
    """Organisations, ordered by name."""
    rights = rights_of(caller)
    rows = await queries.after(session, page.after, limit=page.limit + 1, rights=rights)
    views = await queries.views(session, rows, rights=rights)
    return page_of(views, request=page, cursor_of=lambda view: [view.name, str(view.id)])


@router.get("/{organization_id}", responses=responses(NotFound))
async def read_organization(
    organization_id: UUID,
    session: Session,
    response: Response,
    caller: Annotated[Caller, requires("directory:read", by=ORGANIZATIONS_AND_STAFF)],
) -> OrganizationView:
    """One organisation, with its accreditations and agreements."""
    return await _answer(session, organization_id, rights_of(caller), response)


@router.put(
    "/{organization_id}",
    responses={
        **CREATED,
        **responses(NotFound, StepNotAllowed, AdminOnly, VersionMismatch, PreconditionRequired),
    },
)
async def put_organization(
    organization_id: UUID,
    body: OrganizationBody,
    session: Session,
    response: Response,
    condition: IfMatchOrNone,
    caller: Annotated[Caller, requires("directory:write", by=ORGANIZATIONS_AND_STAFF)],
) -> OrganizationView:
    """Create or replace the organisation with this id. Replacing requires If-Match."""
    rights = rights_of(caller)
    created = await actions.put_organization(
        session, organization_id, body, rights=rights, precondition=condition.check
    )
    return await _answer(session, organization_id, rights, response, created=created)


@router.put(
    "/{organization_id}/accreditations/{category}",
    responses={**CREATED, **responses(NotFound, RestrictedScopeMissing, VersionMismatch)},
)
async def put_accreditation(
    organization_id: UUID,
    category: NeedCategory,
    body: ValidityBody,
    session: Session,
    response: Response,
    precondition: IfMatchGiven,
    caller: Annotated[Caller, requires("directory:admin", by=STAFF)],
    pack: ThePack,
) -> OrganizationView:
    """Accredit the organisation for a category until a date; a date in the past ends the accreditation."""
    rights = rights_of(caller)
    created = await actions.put_accreditation(
        session,
        organization_id,
        category,
        valid_until=body.valid_until,
        rights=rights,
        precondition=precondition,
        tolerance=pack.times.valid_until,
    )
    return await _answer(session, organization_id, rights, response, created=created)


@router.put(
    "/{organization_id}/agreements/{category}",
    responses={**CREATED, **responses(NotFound, RestrictedScopeMissing, VersionMismatch)},
)
async def put_agreement(
    organization_id: UUID,
    category: NeedCategory,
    body: ValidityBody,
    session: Session,
    response: Response,
    precondition: IfMatchGiven,
    caller: Annotated[Caller, requires("directory:admin", by=STAFF)],
    pack: ThePack,
) -> OrganizationView:
    """Record the data-sharing agreement for a category until a date; a date in the past ends it."""
    rights = rights_of(caller)
    created = await actions.put_agreement(
        session,
        organization_id,
        category,
        valid_until=body.valid_until,
        rights=rights,
        precondition=precondition,
        tolerance=pack.times.valid_until,
    )
    return await _answer(session, organization_id, rights, response, created=created)


async def _answer(
    session: Session, organization_id: UUID, rights: Rights, response: Response, *, created: bool = False
) -> OrganizationView:
    view = await queries.view(session, organization_id, rights=rights)
    response.headers["ETag"] = etag_of(view.version)
    if created:
        response.status_code = 201
    return view
