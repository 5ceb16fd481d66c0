"""What happens to deliveries: made on the event path, claimed, recorded, given up, replayed. None commits.

Set-based SQL over the transaction's own connection: one statement per table and batch. Locks are taken in the order
endpoints, then deliveries.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.chassis.telemetry import current_traceparent
from libs.events import outbox
from libs.events.catalogue.notifications import DeliveryEvent, DeliveryFailed, DeliverySucceeded
from services.notifications.deliveries import queries, rules
from services.notifications.deliveries.rules import (
    AttemptFault,
    Claimed,
    DeliveryStatus,
    DeliveryStep,
    Finished,
    Notice,
)
from services.notifications.deliveries.tables import Delivery
from services.notifications.deliveries.wakeups import wake_after_commit
from services.notifications.endpoints import actions as endpoint_actions
from services.notifications.endpoints import queries as endpoint_queries
from services.notifications.endpoints.rules import EndpointStatus
from services.notifications.endpoints.tables import Endpoint
from services.notifications.errors import EndpointNotEnabled, StepNotAllowed

LEASE = timedelta(seconds=30)
"""Real time within which an attempt (15 s at most) is made and recorded; after it the delivery is sent again."""


async def create_deliveries(session: AsyncSession, notices: Sequence[Notice]) -> None:
    """One delivery per notice and enabled endpoint of its organisation that asks for its type; due at once."""
    await (await raw(session)).execute(
        """
        INSERT INTO delivery (message_id, endpoint_id, organization_id, event_type, body, due_at, created_at,
                              journey_id, traceparent)
        SELECT notice.message_id, endpoint.id, notice.organization_id, notice.event_type, notice.body, $7, $7,
               notice.journey_id, notice.traceparent
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[])
            AS notice (message_id, organization_id, event_type, body, journey_id, traceparent)
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
    )
    wake_after_commit(session)


async def create_test_delivery(session: AsyncSession, endpoint: Endpoint) -> UUID:
    """A delivery that only proves the way to an endpoint; its id. `EndpointNotEnabled`."""
    if endpoint.status != EndpointStatus.ENABLED:
        raise EndpointNotEnabled
    moment = now(session)
    data = {"endpoint_id": str(endpoint.id)}
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
    wake_after_commit(session)
    return delivery.id


async def replay_delivery(session: AsyncSession, delivery: Delivery, endpoint: Endpoint) -> None:
    """Send a finished, locked delivery once more, under the same webhook-id and with a fresh retry schedule."""
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
    wake_after_commit(session)


async def claim_deliveries(
    session: AsyncSession, *, limit: int, endpoint_limit: int, busy: Mapping[UUID, int]
) -> list[Claimed]:
    """Take up to `limit` due deliveries, the longest due first, and say so before anything is sent.

    `busy` says how many attempts this sender has in flight by endpoint; none gets more than `endpoint_limit`. Two
    senders never take the same one: what the other has locked is passed over, what it has taken no longer matches.
    """
    rows = await (await raw(session)).fetch(
        """
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
            lease_until = clock_timestamp() + $6  -- real time: a lease outlives a process, not a rehearsal's hours
        FROM taken, endpoint
        WHERE delivery.id = taken.id AND endpoint.id = delivery.endpoint_id
        RETURNING delivery.id, message_id, endpoint_id, delivery.organization_id, event_type, url, body,
            attempt_count, attempts_before_replay, journey_id, traceparent
        """,
        now(session),
        list(busy),
        list(busy.values()),
        endpoint_limit,
        limit,
        LEASE,
    )
    return [Claimed(*row) for row in rows]


async def record_attempts(
    session: AsyncSession, attempts: Sequence[Finished], *, jitter: Callable[[], float]
) -> list[Finished]:
    """Write down what attempts came to; those of them whose claim still held.

    An attempt whose lease had run out is dropped: its delivery has been given to another sender.
    """
    endpoint_ids = sorted({finished.claimed.endpoint_id for finished in attempts})
    health = await endpoint_queries.lock_health(session, endpoint_ids)
    recorded = await _move(session, attempts, jitter=jitter)
    await _log(session, recorded)
    verdicts = [_verdict(endpoint_id, recorded) for endpoint_id in endpoint_ids]
    await endpoint_actions.record_health(session, [verdict for verdict in verdicts if verdict], locked=health)
    return recorded


async def _move(
    session: AsyncSession, attempts: Sequence[Finished], *, jitter: Callable[[], float]
) -> list[Finished]:
    moment = now(session)
    decisions = [rules.decision_after(finished, now=moment, jitter=jitter()) for finished in attempts]
    rows = await (await raw(session)).fetch(
        """
        UPDATE delivery SET status = made.status, due_at = made.due_at, lease_until = NULL,
            finished_at = CASE WHEN made.status = 'pending' THEN NULL ELSE $5 END
        FROM unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[]) AS made (id, attempt, status, due_at)
        WHERE delivery.id = made.id AND delivery.status = 'sending' AND delivery.attempt_count = made.attempt
        RETURNING delivery.id
        """,
        [finished.claimed.delivery_id for finished in attempts],
        [finished.claimed.attempt for finished in attempts],
        [decision.status.value for decision in decisions],
        [decision.due_at for decision in decisions],
        moment,
    )
    moved = {row["id"] for row in rows}
    events: list[tuple[DeliveryEvent, str | None]] = []
    for finished, decision in zip(attempts, decisions, strict=True):
        if finished.claimed.delivery_id in moved and decision.status is not DeliveryStatus.PENDING:
            outcome = DeliverySucceeded if decision.status is DeliveryStatus.SUCCEEDED else DeliveryFailed
            claimed = finished.claimed
            event = outcome(
                endpoint_id=claimed.endpoint_id,
                organization_id=claimed.organization_id,
                delivery_id=claimed.delivery_id,
                event_type=claimed.event_type,
                attempt_count=claimed.attempt,
                at=moment,
            )
            events.append((event, claimed.traceparent))
    await outbox.append(
        session, [event for event, _ in events], traceparents=[traceparent for _, traceparent in events]
    )
    return [finished for finished in attempts if finished.claimed.delivery_id in moved]


async def _log(session: AsyncSession, recorded: Sequence[Finished]) -> None:
    await (await raw(session)).execute(
        """
        INSERT INTO attempt (delivery_id, number, at, duration_ms, status_code, fault)
        SELECT made.delivery_id, made.number, $6, made.duration_ms, made.status_code, made.fault
        FROM unnest($1::uuid[], $2::int[], $3::int[], $4::int[], $5::text[])
            AS made (delivery_id, number, duration_ms, status_code, fault)
        """,
        [finished.claimed.delivery_id for finished in recorded],
        [finished.claimed.attempt for finished in recorded],
        [finished.duration_ms for finished in recorded],
        [finished.answer.status_code for finished in recorded],
        [finished.answer.fault for finished in recorded],
        now(session),
    )


def _verdict(endpoint_id: UUID, recorded: Sequence[Finished]) -> endpoint_actions.Verdict | None:
    answers = [finished.answer for finished in recorded if finished.claimed.endpoint_id == endpoint_id]
    if not answers:
        return None
    pauses = [answer.retry_after for answer in answers if answer.retry_after is not None]
    return endpoint_actions.Verdict(
        endpoint_id=endpoint_id,
        succeeded=any(answer.succeeded for answer in answers),
        gone=any(answer.gone for answer in answers),
        pause=max(pauses, default=None),
    )


async def release_lost(session: AsyncSession, *, limit: int = 500) -> int:
    """Make deliveries due again whose sender has not recorded its attempt in time; how many."""
    return await _release(
        session,
        "SELECT id FROM delivery WHERE status = 'sending' AND lease_until < clock_timestamp() LIMIT $3"
        " FOR UPDATE SKIP LOCKED",
        limit,
    )


async def release_claims(session: AsyncSession, claims: Sequence[Claimed]) -> int:
    """Give back what a sender that stops could not finish; how many. It is sent again at once by the next one."""
    return await _release(
        session,
        "SELECT delivery.id FROM delivery JOIN unnest($3::uuid[], $4::int[]) AS claim (id, attempt)"
        " ON claim.id = delivery.id AND claim.attempt = delivery.attempt_count"
        " WHERE delivery.status = 'sending' FOR UPDATE OF delivery",
        [claim.delivery_id for claim in claims],
        [claim.attempt for claim in claims],
    )


async def _release(session: AsyncSession, which: str, *arguments: object) -> int:
    """`which` is a constant of this module."""
    rows = await (await raw(session)).fetch(
        f"""
        WITH lost AS ({which}), released AS (
            UPDATE delivery SET status = 'pending', due_at = $1, lease_until = NULL
            FROM lost WHERE delivery.id = lost.id RETURNING delivery.id, delivery.attempt_count
        )
        INSERT INTO attempt (delivery_id, number, at, fault) SELECT id, attempt_count, $1, $2 FROM released
        RETURNING delivery_id
        """,  # noqa: S608
        now(session),
        AttemptFault.SENDER_LOST.value,
        *arguments,
    )
    return len(rows)


async def give_up_where_not_enabled(session: AsyncSession, *, limit: int = 500) -> int:
    """Fail due deliveries whose endpoint is no longer enabled; how many. Their owner can replay them later."""
    endpoint_ids = await queries.not_enabled_with_due(session)
    if not endpoint_ids:
        return 0
    health = await endpoint_queries.lock_health(session, endpoint_ids)
    still = [id_ for id_ in endpoint_ids if health[id_].status is not EndpointStatus.ENABLED]
    rows = await (await raw(session)).fetch(
        """
        WITH due AS (
            SELECT id FROM delivery WHERE endpoint_id = ANY ($1) AND status = 'pending' AND due_at <= $2
            LIMIT $3 FOR UPDATE SKIP LOCKED
        ), failed AS (
            UPDATE delivery SET status = 'failed', due_at = NULL, finished_at = $2, attempt_count = attempt_count + 1
            FROM due WHERE delivery.id = due.id
            RETURNING delivery.id, endpoint_id, organization_id, event_type, attempt_count, traceparent
        ), logged AS (
            INSERT INTO attempt (delivery_id, number, at, fault) SELECT id, attempt_count, $2, $4 FROM failed
        )
        SELECT * FROM failed
        """,
        still,
        now(session),
        limit,
        AttemptFault.ENDPOINT_NOT_ENABLED.value,
    )
    events = [
        DeliveryFailed(
            endpoint_id=row["endpoint_id"],
            organization_id=row["organization_id"],
            delivery_id=row["id"],
            event_type=row["event_type"],
            attempt_count=row["attempt_count"],
            at=now(session),
        )
        for row in rows
    ]
    await outbox.append(session, events, traceparents=[row["traceparent"] for row in rows])
    return len(rows)
