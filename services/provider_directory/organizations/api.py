"""Organisations over HTTP: put, list, read; accreditations and agreements, which only administrators give."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Protocol, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.etag import IfMatchOrNone, PreconditionRequired, VersionMismatch, etag_of
from libs.chassis.paging import LARGEST_PAGE, Page, PageQuery, page_of
from libs.chassis.problems import responses
from libs.chassis.tenancy import ORGANIZATIONS_AND_STAFF, STAFF
from libs.events.codes import NeedCategory
from services.provider_directory.errors import AdminOnly, RestrictedScopeMissing, StepNotAllowed
from services.provider_directory.organizations import actions, queries
from services.provider_directory.organizations.actions import Precondition
from services.provider_directory.organizations.rules import Rights
from services.provider_directory.organizations.schemas import OrganizationBody, OrganizationView, ValidityBody
from services.provider_directory.organizations.tables import Accreditation, Agreement
from services.provider_directory.pack import Pack, ThePack

router = APIRouter(prefix="/v1/organizations", tags=["organizations"])


def rights_of(caller: Caller) -> Rights:
    """The rights of the caller in the directory."""
    return Rights.of(caller.scopes, organization_id=caller.organization_id, staff=caller.tenant.staff)


async def _if_given(condition: IfMatchOrNone, request: Request) -> Precondition:
    asked = "if-match" in request.headers
    return condition.check if asked else lambda _: None


IfMatchGiven = Annotated[Precondition, Depends(_if_given)]
"""A precondition that is checked only if the caller sends If-Match, for changes that are protected in another way."""

Ids = Annotated[
    list[UUID] | None,
    Query(alias="id", max_length=LARGEST_PAGE, description="Only those with one of these ids; may be repeated"),
]
"""Looks up several objects with one request."""

CREATED: dict[int | str, dict[str, Any]] = {201: {"description": "It is new"}}


class Versioned(Protocol):
    """A view of a resource that has a version."""

    @property
    def version(self) -> int:
        """Rises with every change."""


V = TypeVar("V", bound=Versioned)


def answered(response: Response, view: V, *, created: bool = False) -> V:
    """Return the view as the response, with its ETag and with status 201 if the request has created the object."""
    response.headers["ETag"] = etag_of(view.version)
    if created:
        response.status_code = 201
    return view


@router.get("", responses=responses())
async def list_organizations(
    session: Session,
    page: PageQuery,
    caller: Annotated[Caller, requires("directory:read", by=ORGANIZATIONS_AND_STAFF)],
    pack: ThePack,
    ids: Ids = None,
) -> Page[OrganizationView]:
    """Organisations, ordered by name. With `id`: only these; ids that the caller may not see are left out."""
    rights = rights_of(caller)
    rows = await queries.after(session, page.after, limit=page.limit + 1, rights=rights, ids=ids)
    views = await queries.views(session, rows, rights=rights, restricted=pack.restricted)
    return page_of(views, request=page, cursor_of=lambda view: [view.name, str(view.id)])


@router.get("/{organization_id}", responses=responses(NotFound))
async def read_organization(
    organization_id: UUID,
    session: Session,
    response: Response,
    caller: Annotated[Caller, requires("directory:read", by=ORGANIZATIONS_AND_STAFF)],
    pack: ThePack,
) -> OrganizationView:
    """One organisation, with its accreditations and agreements."""
    view = await queries.view(session, organization_id, rights=rights_of(caller), restricted=pack.restricted)
    return answered(response, view)


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
    pack: ThePack,
) -> OrganizationView:
    """Create or replace the organisation with this id. Replacing requires If-Match."""
    rights = rights_of(caller)
    created = await actions.put_organization(
        session, organization_id, body, rights=rights, precondition=condition.check
    )
    view = await queries.view(session, organization_id, rights=rights, restricted=pack.restricted)
    return answered(response, view, created=created)


@dataclass(frozen=True, slots=True)
class _Validity:
    """The end of an accreditation or an agreement, as an administrator states it."""

    organization_id: UUID
    category: NeedCategory
    valid_until: date
    rights: Rights
    precondition: Precondition
    pack: Pack


async def _validity(
    organization_id: UUID,
    category: NeedCategory,
    body: ValidityBody,
    precondition: IfMatchGiven,
    caller: Annotated[Caller, requires("directory:admin", by=STAFF)],
    pack: ThePack,
) -> _Validity:
    return _Validity(organization_id, category, body.valid_until, rights_of(caller), precondition, pack)


Validity = Annotated[_Validity, Depends(_validity)]


@router.put(
    "/{organization_id}/accreditations/{category}",
    responses={**CREATED, **responses(NotFound, RestrictedScopeMissing, VersionMismatch)},
)
async def put_accreditation(given: Validity, session: Session, response: Response) -> OrganizationView:
    """Accredit the organisation for a category until a date; a date in the past ends the accreditation."""
    return await _put(Accreditation, given, session, response)


@router.put(
    "/{organization_id}/agreements/{category}",
    responses={**CREATED, **responses(NotFound, RestrictedScopeMissing, VersionMismatch)},
)
async def put_agreement(given: Validity, session: Session, response: Response) -> OrganizationView:
    """Record the data-sharing agreement for a category until a date; a date in the past ends it."""
    return await _put(Agreement, given, session, response)


async def _put(table: type[actions.V], given: _Validity, session: Session, response: Response) -> OrganizationView:
    created = await actions.put_validity(
        session,
        table,
        given.organization_id,
        given.category,
        valid_until=given.valid_until,
        rights=given.rights,
        precondition=given.precondition,
        pack=given.pack,
    )
    restricted = given.pack.restricted
    view = await queries.view(session, given.organization_id, rights=given.rights, restricted=restricted)
    return answered(response, view, created=created)
