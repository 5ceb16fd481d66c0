"""The actions that create deliveries for events, claim, replay and purge them. None of them commits.

They run one SQL statement per table and batch, over the transaction's own connection. They lock endpoints first, then
deliveries.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.chassis.telemetry import current_traceparent
from libs.waiting.wakeups import Wakeups
from services.notifications.deliveries import rules
from services.notifications.deliveries.rules import (
    Claimed,
    DeliveryStatus,
    DeliveryStep,
    Notice,
)
from services.notifications.deliveries.tables import Delivery
from services.notifications.endpoints.rules import EndpointStatus
from services.notifications.endpoints.tables import Endpoint
from services.notifications.errors import EndpointNotEnabled, StepNotAllowed

DUE = Wakeups("notifications.deliveries")
"""Wakes the senders of this process when new deliveries are committed."""
LEASE = timedelta(seconds=30)
"""An attempt (15 s at most) must be made and recorded within this real time. After it the delivery is sent again."""


async def create_deliveries(session: AsyncSession, notices: Sequence[Notice]) -> None:
    """Create one delivery per notice and enabled endpoint of its organisation that asks for its type. It is due at
    once."""
    await (await raw(session)).execute(
        """
        INSERT INTO delivery (message_id, endpoint_id, organization_id, event_type, body, due_at, created_at,
                              journey_id, traceparent, restricted)
        SELECT notice.message_id, endpoint.id, notice.organization_id, notice.event_type, notice.body, $7, $7,
               notice.journey_id, notice.traceparent, notice.restricted
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $8::bool[])
            AS notice (message_id, organization_id, event_type, body, journey_id, traceparent, restricted)
        JOIN endpoint ON endpoint.organization_id = notice.organization_id AND endpoint.status = 'enabled'
            AND (endpoint.event_types IS NULL OR notice.event_type = ANY (endpoint.event_types))
        ON CONFLICT (message_id, endpoint_id) DO NOTHING
        """,
        [notice.message_id for notice in notices],
        [notice.organization_id for notice in notices],
        [notice.event_type for notice in notices],
        [notice.body for notice in notices],
        [notice.journey_id for notice in notices],
        [notice.traceparent for notice in notices],
        now(session),
        [notice.restricted for notice in notices],
    )
    DUE.wake_after_commit(session)


async def create_test_delivery(session: AsyncSession, endpoint: Endpoint) -> UUID:
    """Create a delivery that only tests an endpoint; return its id. Raises `EndpointNotEnabled`."""
    if endpoint.status != EndpointStatus.ENABLED:
        raise EndpointNotEnabled
    moment = now(session)
    data = json.dumps({"endpoint_id": str(endpoint.id)})
    delivery = Delivery(
        id=uuid7(),
        message_id=uuid7(),
        endpoint_id=endpoint.id,
        organization_id=endpoint.organization_id,
        event_type=rules.TEST_TYPE,
        body=rules.notice_body(rules.TEST_TYPE, at=moment, data=data),
        status=DeliveryStatus.PENDING,
        due_at=moment,
        created_at=moment,
        traceparent=current_traceparent(),
    )
    session.add(delivery)
    await session.flush()
    DUE.wake_after_commit(session)
    return delivery.id


async def replay_delivery(session: AsyncSession, delivery: Delivery, endpoint: Endpoint) -> UUID:
    """Make a finished, locked delivery due again with the same webhook-id and a new retry schedule; return its id."""
    if endpoint.status != EndpointStatus.ENABLED:
        raise EndpointNotEnabled
    status = rules.next_status(DeliveryStatus(delivery.status), DeliveryStep.REPLAY)
    if status is None:
        raise StepNotAllowed(state=str(delivery.status), step=DeliveryStep.REPLAY.value)
    delivery.status = status
    delivery.due_at = now(session)
    delivery.finished_at = None
    delivery.attempts_before_replay = delivery.attempt_count
    session.add(delivery)
    DUE.wake_after_commit(session)
    return delivery.id


_CLAIM = """
    WITH candidate AS MATERIALIZED (
        SELECT due.id
        FROM endpoint
        LEFT JOIN unnest($2::uuid[], $3::int[]) AS busy (endpoint_id, count) ON busy.endpoint_id = endpoint.id
        CROSS JOIN LATERAL (
            SELECT delivery.id, delivery.due_at FROM delivery
            WHERE delivery.endpoint_id = endpoint.id AND delivery.status = 'pending' AND delivery.due_at <= $1
            ORDER BY delivery.due_at LIMIT greatest($4 - coalesce(busy.count, 0), 0)
        ) AS due
        WHERE endpoint.status = 'enabled' AND (endpoint.paused_until IS NULL OR endpoint.paused_until <= $1)
        ORDER BY due.due_at LIMIT $5
    ), taken AS (
        SELECT delivery.id FROM delivery JOIN candidate USING (id)
        WHERE delivery.status = 'pending' FOR UPDATE OF delivery SKIP LOCKED
    )
    UPDATE delivery SET status = 'sending', due_at = NULL, attempt_count = attempt_count + 1,
        lease_until = clock_timestamp() + $6  -- real time: the installation's clock may run faster
    FROM taken, endpoint
    WHERE delivery.id = taken.id AND endpoint.id = delivery.endpoint_id
    RETURNING delivery.id, message_id, endpoint_id, delivery.organization_id, event_type, url, body,
        attempt_count, attempts_before_replay, journey_id, traceparent
"""


async def claim_deliveries(
    session: AsyncSession, *, limit: int, endpoint_limit: int, busy: Mapping[UUID, int]
) -> list[Claimed]:
    """Claim up to `limit` due deliveries, in the order of their due time; the claim is committed before anything is
    sent.

    `busy` gives the number of attempts that this sender has in flight per endpoint; no endpoint gets more than
    `endpoint_limit`. Two senders never claim the same delivery: a row that the other sender has locked is skipped, and
    a row that it has claimed no longer has the status `pending`.
    """
    rows = await (await raw(session)).fetch(
        _CLAIM,
        now(session),
        list(busy),
        list(busy.values()),
        endpoint_limit,
        limit,
        LEASE,
    )
    return [Claimed(*row) for row in rows]


async def purge_deliveries(session: AsyncSession, *, older_than: timedelta, limit: int = 5_000) -> int:
    """Delete finished deliveries and their attempts after `older_than` of real time; return how many were deleted."""
    rows = await (await raw(session)).fetch(
        """
        WITH old AS (
            SELECT id FROM delivery
            WHERE stored_at < statement_timestamp() - $1::interval AND status IN ('succeeded', 'failed')
            LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM delivery USING old WHERE delivery.id = old.id RETURNING delivery.id
        """,
        older_than,
        limit,
    )
    return len(rows)
