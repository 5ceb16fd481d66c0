"""Notifications of the usual stack: for each offer, it writes one notification and one delivery to the provider."""

import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

from faststream import FastStream
from faststream.kafka.annotations import KafkaMessage
from sqlmodel import select

from bench.usual.messages import Made
from bench.usual.stage import TRACE, Sessions, Stage, application, is_type, once, subscriber
from services.notifications.deliveries.tables import Delivery
from services.notifications.endpoints.tables import Endpoint
from services.notifications.inbox.tables import Notification

LISTENS_TO = "enlace.referral"


def build(stage: Stage, endpoints: dict[UUID, UUID]) -> FastStream:
    """The service; `endpoints` gives the endpoint of an organisation."""
    subscribed = subscriber(stage, LISTENS_TO)

    @subscribed(filter=is_type("offer.made.v1"))
    async def tell(offer: Made, message: KafkaMessage) -> None:
        now, message_id = datetime.now(UTC), UUID(message.headers["ce_id"])
        body = _body(offer, now)
        async with once(stage, message) as session:
            session.add(
                Notification(
                    message_id=message_id,
                    organization_id=offer.organization_id,
                    event_type="offer.made.v1",
                    body=body,
                    created_at=now,
                )
            )
            session.add(_delivery(offer, message_id, endpoints[offer.organization_id], body, now))

    @subscribed()
    async def ignore() -> None:
        """Other events of this topic cause no notification."""

    return application(stage)


async def endpoints_of(sessions: Sessions) -> dict[UUID, UUID]:
    """The endpoint id of every organisation; it is read once, at the start."""
    async with sessions() as session:
        return {endpoint.organization_id: endpoint.id for endpoint in await session.exec(select(Endpoint))}


def _delivery(offer: Made, message_id: UUID, endpoint_id: UUID, body: str, now: datetime) -> Delivery:
    return Delivery(
        id=uuid4(),
        message_id=message_id,
        endpoint_id=endpoint_id,
        organization_id=offer.organization_id,
        event_type="offer.made.v1",
        body=body,
        status="pending",
        due_at=now,
        created_at=now,
        journey_id=offer.returnee_id,
        traceparent=TRACE,
    )


def _body(offer: Made, now: datetime) -> str:
    data = offer.model_dump(mode="json", exclude={"returnee_id", "need_id", "at"})
    return json.dumps({"type": "offer.made.v1", "timestamp": now.isoformat(), "data": data})
