"""The actions on endpoints: one function per verb. None of them commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.chassis.errors import FieldError, InvalidInput
from libs.events import outbox
from libs.events.catalogue.notifications import EndpointDisabled
from services.notifications.endpoints import queries, rules
from services.notifications.endpoints.queries import Health
from services.notifications.endpoints.rules import (
    DisabledReason,
    EndpointStatus,
    EndpointStep,
    NotifiedType,
    UrlRefused,
)
from services.notifications.endpoints.sealing import SecretBox, new_secret
from services.notifications.endpoints.tables import Endpoint, EndpointSecret
from services.notifications.errors import EndpointLimitReached, StepNotAllowed


async def create_endpoint(
    session: AsyncSession,
    *,
    organization_id: UUID,
    url: str,
    event_types: Sequence[NotifiedType] | None,
    allow_private: bool,
    box: SecretBox,
) -> UUID:
    """Register an endpoint with a new secret; return the id of both. Raises `EndpointLimitReached`, `InvalidInput`."""
    _require_allowed(url, allow_private=allow_private)
    # Only one registration at a time per organisation: otherwise two concurrent registrations could both see that one
    # more endpoint is allowed.
    await session.exec(select(func.pg_advisory_xact_lock(func.hashtextextended(f"endpoint {organization_id}", 0))))
    if await queries.endpoint_count(session, organization_id=organization_id) >= rules.ENDPOINTS_MAX:
        raise EndpointLimitReached(limit=rules.ENDPOINTS_MAX)
    moment = now(session)
    endpoint_id = uuid7()
    session.add(
        Endpoint(
            id=endpoint_id,
            organization_id=organization_id,
            url=url,
            event_types=_texts(event_types),
            status=EndpointStatus.ENABLED,
            version=1,
            created_at=moment,
            changed_at=moment,
        )
    )
    await session.flush()
    # The first secret has the endpoint's id, so that a repeated request gets the same response.
    session.add(_sealed_secret(endpoint_id=endpoint_id, secret_id=endpoint_id, box=box))
    return endpoint_id


async def change_endpoint(
    session: AsyncSession,
    endpoint: Endpoint,
    *,
    url: str | None,
    event_types: Sequence[NotifiedType] | None,
    allow_private: bool,
) -> None:
    """Give a locked endpoint this URL (None: keep it) and exactly these event types."""
    if url is not None:
        _require_allowed(url, allow_private=allow_private)
        endpoint.url = url
    endpoint.event_types = _texts(event_types)
    _touch(session, endpoint)


async def rotate_secret(session: AsyncSession, endpoint: Endpoint, *, overlap_hours: int, box: SecretBox) -> UUID:
    """Give a locked endpoint a new secret; return its id.

    The previous secret also signs for `overlap_hours` of real time. Secrets that remain from an earlier rotation are
    deleted, so there are never more than two.
    """
    await session.exec(
        delete(EndpointSecret).where(
            col(EndpointSecret.endpoint_id) == endpoint.id, col(EndpointSecret.signs_until).is_not(None)
        )
    )
    query = select(EndpointSecret, func.clock_timestamp()).where(EndpointSecret.endpoint_id == endpoint.id)
    for current, real_time in await session.exec(query):
        if overlap_hours == 0:
            await session.delete(current)
        else:
            current.signs_until = real_time + timedelta(hours=overlap_hours)
    await session.flush()
    secret_id = uuid7()
    session.add(_sealed_secret(endpoint_id=endpoint.id, secret_id=secret_id, box=box))
    _touch(session, endpoint)
    return secret_id


async def enable_endpoint(session: AsyncSession, endpoint: Endpoint) -> UUID:
    """Enable a locked endpoint and clear its record of failures and pauses; return its id."""
    _step(endpoint, EndpointStep.ENABLE)
    endpoint.disabled_reason = endpoint.failing_since = endpoint.paused_until = None
    _touch(session, endpoint)
    return endpoint.id


async def disable_endpoint(session: AsyncSession, endpoint: Endpoint) -> UUID:
    """Disable a locked endpoint at the request of its organisation; return its id."""
    _step(endpoint, EndpointStep.DISABLE)
    endpoint.disabled_reason = DisabledReason.BY_OWNER
    _touch(session, endpoint)
    return endpoint.id


async def delete_endpoint(session: AsyncSession, endpoint: Endpoint) -> None:
    """Delete a locked endpoint's URL and secrets. Its row is kept, because its deliveries refer to it."""
    _step(endpoint, EndpointStep.DELETE)
    endpoint.url = endpoint.disabled_reason = endpoint.failing_since = endpoint.paused_until = None
    await session.exec(delete(EndpointSecret).where(col(EndpointSecret.endpoint_id) == endpoint.id))
    _touch(session, endpoint)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one batch of attempts for an endpoint."""

    endpoint_id: UUID
    succeeded: bool
    gone: bool
    pause: timedelta | None
    """The longest pause that its responses requested, on the installation's clock."""


async def record_health(session: AsyncSession, verdicts: Sequence[Verdict], *, locked: Mapping[UUID, Health]) -> None:
    """Record the health of endpoints after attempts; disable an endpoint that is gone or has failed for too long.

    `locked` comes from `queries.lock_health` of the same transaction.
    """
    moment = now(session)
    changes: list[tuple[UUID, datetime | None, DisabledReason | None, datetime | None]] = []
    events: list[EndpointDisabled] = []
    for verdict in verdicts:
        health = locked[verdict.endpoint_id]
        if health.status is not EndpointStatus.ENABLED:
            continue
        since = None if verdict.succeeded else health.failing_since or moment
        reason = rules.disabled_reason(gone=verdict.gone, failing_since=since, now=moment)
        pause = None if verdict.pause is None or reason else moment + verdict.pause
        if since != health.failing_since or reason or pause:
            changes.append((health.endpoint_id, since, reason, pause))
        if reason is not None:
            events.append(
                EndpointDisabled(endpoint_id=health.endpoint_id, organization_id=health.organization_id, at=moment)
            )
    if changes:
        await _write_health(session, changes, moment=moment)
    if events:
        await outbox.append(session, events, traceparents=[None] * len(events))


async def _write_health(
    session: AsyncSession,
    changes: Sequence[tuple[UUID, datetime | None, DisabledReason | None, datetime | None]],
    *,
    moment: datetime,
) -> None:
    ids, since, reasons, pauses = (list(column) for column in zip(*changes, strict=True))
    await (await raw(session)).execute(
        """
        UPDATE endpoint SET
            failing_since = change.failing_since,
            paused_until = coalesce(change.paused_until, endpoint.paused_until),
            status = CASE WHEN change.reason IS NULL THEN endpoint.status ELSE 'disabled' END,
            disabled_reason = change.reason,
            version = CASE WHEN change.reason IS NULL THEN endpoint.version ELSE endpoint.version + 1 END,
            changed_at = CASE WHEN change.reason IS NULL THEN endpoint.changed_at ELSE $5 END
        FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::timestamptz[])
            AS change (endpoint_id, failing_since, reason, paused_until)
        WHERE endpoint.id = change.endpoint_id AND endpoint.status = 'enabled'
        """,
        ids,
        since,
        reasons,
        pauses,
        moment,
    )


def _require_allowed(url: str, *, allow_private: bool) -> None:
    try:
        rules.target_of(url, allow_private=allow_private)
    except UrlRefused as refused:
        fault = refused.fault
        raise InvalidInput(
            "This URL cannot be used as an endpoint.", errors=[FieldError("/url", fault, rules.URL_FAULT_TEXTS[fault])]
        ) from None


def _step(endpoint: Endpoint, step: EndpointStep) -> None:
    status = rules.next_status(EndpointStatus(endpoint.status), step)
    if status is None:
        raise StepNotAllowed(state=str(endpoint.status), step=step.value)
    endpoint.status = status


def _sealed_secret(*, endpoint_id: UUID, secret_id: UUID, box: SecretBox) -> EndpointSecret:
    return EndpointSecret(id=secret_id, endpoint_id=endpoint_id, sealed=box.seal(new_secret(), secret_id=secret_id))


def _texts(event_types: Sequence[NotifiedType] | None) -> list[str] | None:
    return None if event_types is None else sorted({event_type.value for event_type in event_types})


def _touch(session: AsyncSession, endpoint: Endpoint) -> None:
    endpoint.version += 1
    endpoint.changed_at = now(session)
    session.add(endpoint)
