"""The actions that record attempts, release claims and fail deliveries. None of them commits.

They lock endpoints first, then deliveries, and append events after that.
"""

from collections.abc import Callable, Sequence
from uuid import UUID

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.events import outbox
from libs.events.catalogue.notifications import DeliveryEvent, DeliveryFailed, DeliverySucceeded
from services.notifications.deliveries import queries, rules
from services.notifications.deliveries.rules import AttemptFault, Claimed, DeliveryStatus, Finished
from services.notifications.endpoints import actions as endpoint_actions
from services.notifications.endpoints import queries as endpoint_queries
from services.notifications.endpoints.rules import EndpointStatus


async def record_attempts(
    session: AsyncSession, attempts: Sequence[Finished], *, jitter: Callable[[], float]
) -> list[Finished]:
    """Record the results of attempts; return those whose claim was still valid.

    An attempt whose lease has ended is ignored, because another sender has claimed its delivery.
    """
    endpoint_ids = sorted({finished.claimed.endpoint_id for finished in attempts})
    health = await endpoint_queries.lock_health(session, endpoint_ids)
    recorded = await _move(session, attempts, jitter=jitter)
    await _log(session, recorded)
    verdicts = [_verdict(endpoint_id, recorded) for endpoint_id in endpoint_ids]
    await endpoint_actions.record_health(session, [verdict for verdict in verdicts if verdict], locked=health)
    return recorded


async def _move(session: AsyncSession, attempts: Sequence[Finished], *, jitter: Callable[[], float]) -> list[Finished]:
    moment = now(session)
    decisions = [rules.decision_after(finished, now=moment, jitter=jitter()) for finished in attempts]
    rows = await (await raw(session)).fetch(
        """
        UPDATE delivery SET status = made.status, due_at = made.due_at, lease_until = NULL,
            finished_at = CASE WHEN made.status <> 'pending' THEN $5::timestamptz END
        FROM unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[]) AS made (id, attempt, status, due_at)
        WHERE delivery.id = made.id AND delivery.status = 'sending' AND delivery.attempt_count = made.attempt
        RETURNING delivery.id, delivery.endpoint_id, delivery.organization_id, delivery.event_type,
            delivery.attempt_count, delivery.status, delivery.traceparent
        """,
        [finished.claimed.delivery_id for finished in attempts],
        [finished.claimed.attempt for finished in attempts],
        [decision.status.value for decision in decisions],
        [decision.due_at for decision in decisions],
        moment,
    )
    await _tell(session, rows)
    moved = {row["id"] for row in rows}
    return [finished for finished in attempts if finished.claimed.delivery_id in moved]


_OUTCOMES: dict[str, type[DeliveryEvent]] = {
    DeliveryStatus.SUCCEEDED: DeliverySucceeded,
    DeliveryStatus.FAILED: DeliveryFailed,
}


async def _tell(session: AsyncSession, rows: Sequence[asyncpg.Record]) -> None:
    """Publish the result of each finished delivery, in the trace of its journey."""
    finished = [row for row in rows if row["status"] in _OUTCOMES]
    events = [
        _OUTCOMES[row["status"]](
            endpoint_id=row["endpoint_id"],
            organization_id=row["organization_id"],
            delivery_id=row["id"],
            event_type=row["event_type"],
            attempt_count=row["attempt_count"],
            at=now(session),
        )
        for row in finished
    ]
    await outbox.append(session, events, traceparents=[row["traceparent"] for row in finished])


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
    """Make deliveries due again whose sender did not record its attempt before the lease ended; return their number."""
    return await _release(
        session,
        "SELECT id FROM delivery WHERE status = 'sending' AND lease_until < clock_timestamp() LIMIT $3"
        " FOR UPDATE SKIP LOCKED",
        limit,
    )


async def release_claims(session: AsyncSession, claims: Sequence[Claimed]) -> int:
    """Release the claims that a stopping sender could not finish; return their number. The next sender sends them at
    once."""
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
    """Fail due deliveries whose endpoint is no longer enabled; return their number. The organisation can replay them
    later."""
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
            RETURNING delivery.id, endpoint_id, organization_id, event_type, attempt_count, status, traceparent
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
    await _tell(session, rows)
    return len(rows)
