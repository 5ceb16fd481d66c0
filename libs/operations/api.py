"""HTTP for operators: what waits, and what is stuck, in the event bus of this service."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, FastAPI, Request

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session, raw
from libs.chassis.tenancy import STAFF
from libs.events import standing
from libs.events.consumer import Consumer
from libs.events.relay import Relay
from libs.operations.schemas import (
    ClientRebuildsView,
    ConsumerView,
    EventBusView,
    OutboxView,
    ParkedView,
    StoppedPartitionView,
)

router = APIRouter(prefix="/v1", tags=["operations"])
Operator = Annotated[Caller, requires("operations:read", by=STAFF)]


def observe(app: FastAPI, *, consumer: Consumer, relay: Relay) -> None:
    """Let the routes of `router` show this consumer and this relay."""
    app.state.event_bus = (consumer, relay)


@router.get("/event-bus")
async def read_event_bus(request: Request, caller: Operator, session: Session) -> EventBusView:
    """What waits, and what is stuck: unsent events, stopped partitions, parked keys, lag, replaced clients.

    A parked or stopped event has failed; the commands on the page for operators show why, and start it again.
    """
    consumer, relay = _observed(request)
    connection = await raw(session)
    parked = await standing.parked(connection, consumer.group)
    stopped = await standing.stopped_partitions(connection, consumer.group)
    return EventBusView(
        outbox=OutboxView(**asdict(await standing.outbox(connection))),
        stopped_partitions=[StoppedPartitionView(**asdict(one)) for one in stopped],
        parked=ParkedView.model_validate(asdict(parked)),
        consumer=_consumer(consumer),
        client_rebuilds=ClientRebuildsView(consumer=consumer.rebuilds, producer=relay.rebuilds),
    )


def _observed(request: Request) -> tuple[Consumer, Relay]:
    observed: tuple[Consumer, Relay] = request.app.state.event_bus
    return observed


def _consumer(consumer: Consumer) -> ConsumerView | None:
    partitions = consumer.backlogs()
    if not partitions:
        return None
    lags = [one.lag() for one in partitions]
    known = [lag for lag in lags if lag is not None]
    return ConsumerView(
        partitions=len(partitions),
        lag_events=sum(known) if len(known) == len(lags) else None,
        lag_age_seconds=max(one.lag_age() for one in partitions),
    )
