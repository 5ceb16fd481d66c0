"""HTTP for the delivery log. Each organisation sees only its own."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.idempotency import KeyReused, OnceOptional, OnceRequired
from libs.chassis.paging import Page, PageQuery, page_of
from libs.chassis.problems import responses
from libs.chassis.tenancy import ORGANIZATIONS, OrganizationRequired
from services.notifications.deliveries import queries
from services.notifications.deliveries.actions import deliveries
from services.notifications.deliveries.rules import DeliveryStatus
from services.notifications.deliveries.schemas import AttemptView, DeliveryLog, DeliveryView
from services.notifications.deliveries.tables import Delivery
from services.notifications.endpoints import queries as endpoint_queries
from services.notifications.endpoints.api import Writer, organization_of, sees_restricted
from services.notifications.errors import EndpointNotEnabled, StepNotAllowed

router = APIRouter(prefix="/v1", tags=["deliveries"])

Reader = Annotated[Caller, requires("deliveries:read", by=ORGANIZATIONS)]


@router.post(
    "/endpoints/{endpoint_id}/test",
    status_code=202,
    responses=responses(NotFound, EndpointNotEnabled, OrganizationRequired, KeyReused),
)
async def send_test(
    endpoint_id: UUID, caller: Writer, session: Session, once: OnceRequired, response: Response
) -> DeliveryView:
    """Send an `endpoint.test.v1` webhook to an endpoint. `Location` is the URL of the delivery."""
    organization_id = organization_of(caller)
    endpoint = await endpoint_queries.endpoint(session, endpoint_id, organization_id=organization_id)
    delivery_id = await once(session, lambda: deliveries.create_test_delivery(session, endpoint))
    response.headers["Location"] = f"/v1/deliveries/{delivery_id}"
    return _view(await queries.delivery(session, delivery_id, organization_id=organization_id, restricted=False))


@router.get("/deliveries", responses=responses(OrganizationRequired))
async def list_deliveries(
    caller: Reader,
    session: Session,
    page: PageQuery,
    status: DeliveryStatus | None = None,
    endpoint_id: UUID | None = None,
) -> Page[DeliveryView]:
    """The deliveries to your organisation's endpoints, newest first."""
    rows = await queries.deliveries(
        session,
        organization_id=organization_of(caller),
        restricted=sees_restricted(caller),
        status=status,
        endpoint_id=endpoint_id,
        page=page,
    )
    return page_of(rows, request=page, cursor_of=lambda row: [row.created_at.isoformat(), str(row.id)], view=_view)


@router.get("/deliveries/{delivery_id}", responses=responses(NotFound, OrganizationRequired))
async def read_delivery(delivery_id: UUID, caller: Reader, session: Session) -> DeliveryLog:
    """One delivery with all its attempts."""
    delivery = await queries.delivery(
        session, delivery_id, organization_id=organization_of(caller), restricted=sees_restricted(caller)
    )
    attempts = await queries.attempts(session, delivery_id)
    return DeliveryLog(
        **_view(delivery).model_dump(),
        attempts=[AttemptView.model_validate(attempt, from_attributes=True) for attempt in attempts],
    )


@router.post(
    "/deliveries/{delivery_id}/replay",
    responses=responses(NotFound, EndpointNotEnabled, StepNotAllowed, OrganizationRequired, KeyReused),
)
async def replay_delivery(delivery_id: UUID, caller: Writer, session: Session, once: OnceOptional) -> DeliveryView:
    """Send a finished delivery again, with the same `webhook-id` and a new retry schedule."""
    organization_id, restricted = organization_of(caller), sees_restricted(caller)
    first = await queries.delivery(session, delivery_id, organization_id=organization_id, restricted=restricted)
    endpoint = await endpoint_queries.endpoint(session, first.endpoint_id, organization_id=organization_id, lock=True)
    delivery = await queries.delivery(
        session, delivery_id, organization_id=organization_id, restricted=restricted, lock=True
    )
    await once(session, lambda: deliveries.replay_delivery(session, delivery, endpoint))
    return _view(delivery)


def _view(delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        id=delivery.id,
        message_id=delivery.message_id,
        endpoint_id=delivery.endpoint_id,
        event_type=delivery.event_type,
        status=DeliveryStatus(delivery.status),
        attempt_count=delivery.attempt_count,
        next_attempt_at=delivery.due_at,
        created_at=delivery.created_at,
        finished_at=delivery.finished_at,
    )
