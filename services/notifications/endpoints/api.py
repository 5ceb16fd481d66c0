"""HTTP for webhook endpoints. Each organisation reaches only its own."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.etag import IfMatch, VersionMismatch, etag_of
from libs.chassis.idempotency import KeyReused, OnceOptional, OnceRequired
from libs.chassis.paging import Page, PageQuery, page_of
from libs.chassis.problems import responses
from libs.chassis.tenancy import ORGANIZATIONS, STAFF, OrganizationRequired
from services.notifications.endpoints import actions, queries
from services.notifications.endpoints.schemas import (
    EndpointChange,
    EndpointsInTrouble,
    EndpointView,
    EndpointWithSecret,
    NewEndpoint,
    Rotation,
)
from services.notifications.endpoints.sealing import SecretBox, secret_text
from services.notifications.endpoints.tables import Endpoint, EndpointSecret
from services.notifications.errors import EndpointLimitReached, StepNotAllowed
from services.notifications.settings import NotificationsSettings

router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"])

Reader = Annotated[Caller, requires("endpoints:read", by=ORGANIZATIONS)]
Writer = Annotated[Caller, requires("endpoints:write", by=ORGANIZATIONS)]
Operator = Annotated[Caller, requires("operations:read", by=STAFF)]


def organization_of(caller: Caller) -> UUID:
    """The organisation for which the caller acts, or `OrganizationRequired`."""
    if caller.organization_id is None:
        raise OrganizationRequired
    return caller.organization_id


def sees_restricted(caller: Caller) -> bool:
    """Whether the caller sees notifications about offers of restricted services."""
    return caller.tenant.restricted


async def _box(request: Request) -> SecretBox:
    box: SecretBox = request.app.state.secret_box
    return box


async def _allow_private(request: Request) -> bool:
    settings: NotificationsSettings = request.app.state.settings
    return settings.webhook_allow_private


Box = Annotated[SecretBox, Depends(_box)]
AllowPrivate = Annotated[bool, Depends(_allow_private)]


@router.post("", status_code=201, responses=responses(KeyReused, EndpointLimitReached, OrganizationRequired))
async def create_endpoint(
    body: NewEndpoint,
    caller: Writer,
    session: Session,
    once: OnceRequired,
    box: Box,
    allow_private: AllowPrivate,
    response: Response,
) -> EndpointWithSecret:
    """Register a webhook endpoint of your organisation. The secret is shown only in this response."""
    organization_id = organization_of(caller)
    endpoint_id = await once(
        session,
        lambda: actions.create_endpoint(
            session,
            organization_id=organization_id,
            url=body.url,
            event_types=body.event_types,
            allow_private=allow_private,
            box=box,
        ),
    )
    endpoint = await queries.endpoint(session, endpoint_id, organization_id=organization_id)
    response.headers["Location"] = f"/v1/endpoints/{endpoint_id}"
    return _with_secret(endpoint, await queries.secret(session, endpoint_id), box)


@router.get("", responses=responses(OrganizationRequired))
async def list_endpoints(caller: Reader, session: Session, page: PageQuery) -> Page[EndpointView]:
    """Your organisation's endpoints, oldest first."""
    rows = await queries.endpoints(session, organization_id=organization_of(caller), page=page)
    return page_of(rows, request=page, cursor_of=lambda row: [str(row.id)], view=_view)


@router.get("/trouble")
async def list_endpoints_in_trouble(caller: Operator, session: Session) -> EndpointsInTrouble:
    """The endpoints of all organisations to which webhooks cannot be delivered, for the network's operators."""
    return await queries.endpoints_in_trouble(session, restricted=sees_restricted(caller))


@router.get("/{endpoint_id}", responses=responses(NotFound, OrganizationRequired))
async def read_endpoint(endpoint_id: UUID, caller: Reader, session: Session, response: Response) -> EndpointView:
    """One endpoint of your organisation."""
    endpoint = await queries.endpoint(session, endpoint_id, organization_id=organization_of(caller))
    return _answer(endpoint, response)


@router.patch("/{endpoint_id}", responses=responses(NotFound, OrganizationRequired, VersionMismatch))
async def change_endpoint(
    endpoint_id: UUID,
    body: EndpointChange,
    caller: Writer,
    session: Session,
    condition: IfMatch,
    allow_private: AllowPrivate,
    response: Response,
) -> EndpointView:
    """Change the URL of an endpoint, or the event types that are sent to it."""
    endpoint = await queries.endpoint(session, endpoint_id, organization_id=organization_of(caller), lock=True)
    condition.check(endpoint.version)
    chosen = body.event_types if "event_types" in body.model_fields_set else queries.event_types(endpoint)
    await actions.change_endpoint(session, endpoint, url=body.url, event_types=chosen, allow_private=allow_private)
    return _answer(endpoint, response)


@router.delete("/{endpoint_id}", status_code=204, responses=responses(NotFound, OrganizationRequired))
async def delete_endpoint(endpoint_id: UUID, caller: Writer, session: Session) -> None:
    """Delete an endpoint. Deliveries that are not finished are cancelled."""
    endpoint = await queries.endpoint(session, endpoint_id, organization_id=organization_of(caller), lock=True)
    await actions.delete_endpoint(session, endpoint)


@router.post("/{endpoint_id}/enable", responses=responses(NotFound, OrganizationRequired, StepNotAllowed, KeyReused))
async def enable_endpoint(
    endpoint_id: UUID, caller: Writer, session: Session, once: OnceOptional, response: Response
) -> EndpointView:
    """Enable a disabled endpoint: webhooks are sent to it again."""
    endpoint = await queries.endpoint(session, endpoint_id, organization_id=organization_of(caller), lock=True)
    await once(session, lambda: actions.enable_endpoint(session, endpoint))
    return _answer(endpoint, response)


@router.post("/{endpoint_id}/disable", responses=responses(NotFound, OrganizationRequired, StepNotAllowed, KeyReused))
async def disable_endpoint(
    endpoint_id: UUID, caller: Writer, session: Session, once: OnceOptional, response: Response
) -> EndpointView:
    """Disable an endpoint: nothing is sent to it until it is enabled again. The inbox continues."""
    endpoint = await queries.endpoint(session, endpoint_id, organization_id=organization_of(caller), lock=True)
    await once(session, lambda: actions.disable_endpoint(session, endpoint))
    return _answer(endpoint, response)


@router.post("/{endpoint_id}/rotate-secret", responses=responses(NotFound, OrganizationRequired, KeyReused))
async def rotate_secret(
    endpoint_id: UUID, caller: Writer, session: Session, once: OnceRequired, box: Box, body: Rotation | None = None
) -> EndpointWithSecret:
    """Create a new secret. During the overlap every webhook has two signatures, so no webhook is lost."""
    endpoint = await queries.endpoint(session, endpoint_id, organization_id=organization_of(caller), lock=True)
    overlap_hours = (body or Rotation()).overlap_hours
    secret_id = await once(
        session, lambda: actions.rotate_secret(session, endpoint, overlap_hours=overlap_hours, box=box)
    )
    await session.flush()
    return _with_secret(endpoint, await queries.secret(session, secret_id), box)


def _answer(endpoint: Endpoint, response: Response) -> EndpointView:
    response.headers["ETag"] = etag_of(endpoint.version)
    return _view(endpoint)


def _view(endpoint: Endpoint) -> EndpointView:
    return EndpointView.model_validate(endpoint, from_attributes=True)


def _with_secret(endpoint: Endpoint, row: EndpointSecret | None, box: SecretBox) -> EndpointWithSecret:
    """The view of an endpoint with its secret. A secret that was replaced by a rotation is never shown again."""
    secret = None
    if row is not None and row.signs_until is None:
        secret = secret_text(box.unseal(row.sealed, secret_id=row.id))
    return EndpointWithSecret(**_view(endpoint).model_dump(), secret=secret)
