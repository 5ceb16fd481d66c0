"""The sender: claims due deliveries, sends them concurrently, and records the results.

Delivery is at-least-once: the claim is committed before the call, so after a crash the delivery is sent again with the
same `webhook-id`. Several senders may run at the same time, in one process or in several. Deliveries have no guaranteed
order.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from libs.chassis.database import Database
from libs.chassis.logs import get_logger
from libs.chassis.telemetry import current_traceparent, root_span, span_from
from libs.waiting.pauses import is_set_within
from services.notifications.deliveries.actions import attempts, deliveries
from services.notifications.deliveries.posting import Poster, signed_headers
from services.notifications.deliveries.rules import Answer, AttemptFault, Claimed, Finished
from services.notifications.endpoints import queries as endpoint_queries
from services.notifications.endpoints.sealing import SealBroken, SecretBox
from services.notifications.endpoints.tables import EndpointSecret

log = get_logger(__name__, fields=("endpoint_id", "delivery_id"))

POLL_SECONDS = 0.25
"""The longest time until the sender finds a due delivery without a wake-up: a retry, or a delivery that another process
created."""
HOUSEKEEPING_SECONDS = 2.0
PAUSE_SECONDS = 1.0
"""The wait after a failure of the database."""
DRAIN_SECONDS = 5.0
"""A sender that stops waits this long for responses. It then releases the remaining claims, so that another sender
sends them."""
USER_AGENT = "Enlace-Webhooks/1"
DATABASE_TROUBLE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    DBAPIError,
    PoolTimeout,
)
"""Temporary failures of the database: the work is retried. Any other exception ends the loop."""

Secrets = Mapping[UUID, Sequence[bytes]]


class Sender:
    """Sends webhooks until it is asked to stop.

    `concurrency` limits the attempts in flight, `endpoint_concurrency` those to one endpoint.
    """

    def __init__(
        self, database: Database, *, box: SecretBox, allow_private: bool, concurrency: int, endpoint_concurrency: int
    ) -> None:
        self._database = database
        self._box = box
        self._allow_private = allow_private
        self._concurrency = concurrency
        self._endpoint_concurrency = endpoint_concurrency
        self._wakeup = deliveries.DUE.register()
        self._flying: dict[asyncio.Task[Finished], Claimed] = {}
        self._landed: list[Finished] = []
        self._recordable = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Claim, send and record until `stop` is set; then finish what is in flight."""
        async with Poster.opened(allow_private=self._allow_private, concurrency=self._concurrency) as poster:
            helpers = [asyncio.create_task(work) for work in (self._keep_house(), self._record(), self._wake_at(stop))]
            try:
                while not stop.is_set():
                    for helper in helpers:
                        if helper.done():
                            helper.result()
                    self._wakeup.clear()
                    if not await self._launch(poster):
                        await is_set_within(self._wakeup, POLL_SECONDS)
            finally:
                for helper in helpers:
                    helper.cancel()
                await asyncio.gather(*helpers, return_exceptions=True)
                await self._drain()

    async def _launch(self, poster: Poster) -> bool:
        """Claim due deliveries and start to send them; return whether there were any."""
        free = self._concurrency - len(self._flying)
        if free <= 0:
            return False
        busy = Counter(claimed.endpoint_id for claimed in self._flying.values())
        try:
            async with self._database.transaction() as session:
                claims = await deliveries.claim_deliveries(
                    session, limit=free, endpoint_limit=self._endpoint_concurrency, busy=busy
                )
                endpoint_ids = {claimed.endpoint_id for claimed in claims}
                sealed = await endpoint_queries.signing_secrets(session, list(endpoint_ids)) if claims else {}
        except DATABASE_TROUBLE as trouble:
            log.warning("webhooks.claim-failed", trouble)
            await asyncio.sleep(PAUSE_SECONDS)
            return False
        secrets = {endpoint_id: self._unsealed(rows) for endpoint_id, rows in sealed.items()}
        for claimed in claims:
            task = asyncio.create_task(attempt(poster, claimed, secrets.get(claimed.endpoint_id, ())))
            self._flying[task] = claimed
            task.add_done_callback(self._land)
        return bool(claims)

    def _unsealed(self, rows: Sequence[EndpointSecret]) -> list[bytes]:
        try:
            return [self._box.unseal(row.sealed, secret_id=row.id) for row in rows]
        except SealBroken as broken:
            log.error("webhooks.secret-unreadable", broken, endpoint_id=rows[0].endpoint_id)
            return []

    def _land(self, task: asyncio.Task[Finished]) -> None:
        """Handle the end of an attempt: free its place for the next one and queue its result to be recorded."""
        claimed = self._flying.pop(task)
        if not task.cancelled():
            fault = task.exception()
            if fault is not None:  # an error in our code; when the lease ends, another sender gets the delivery
                log.error("webhooks.attempt-broke", fault, delivery_id=claimed.delivery_id)
            else:
                self._landed.append(task.result())
                self._recordable.set()
        self._wakeup.set()

    async def _record(self) -> None:
        """Record the finished attempts in batches: each time, all that have finished by then."""
        while True:
            await self._recordable.wait()
            self._recordable.clear()
            if not await self._flush():
                await asyncio.sleep(PAUSE_SECONDS)
                self._recordable.set()

    async def _flush(self) -> bool:
        """Record all finished attempts in one transaction; return False if it must be retried.

        `attempts` ignores a result whose lease has ended: its delivery has been released for another sender.
        """
        batch = self._landed
        self._landed = []
        if not batch:
            return True
        try:
            async with self._database.transaction() as session:
                clock = self._database.clock
                await attempts.record_attempts(
                    session, [_on_clock(finished, rate=clock.rate) for finished in batch], jitter=random.random
                )
        except BaseException as trouble:
            # Keep the batch whatever ended the transaction, also a cancellation. If the transaction was committed after
            # all, the next attempt to record ignores these results.
            self._landed = batch + self._landed
            if not isinstance(trouble, DATABASE_TROUBLE):
                raise
            log.warning("webhooks.record-failed", trouble, count=len(batch))
            return False
        return True

    async def _keep_house(self) -> None:
        """Regularly release deliveries whose sender was lost, and fail those whose endpoint is not enabled."""
        while True:
            try:
                async with self._database.transaction() as session:
                    lost = await attempts.release_lost(session)
                async with self._database.transaction() as session:
                    await attempts.give_up_where_not_enabled(session)
                if lost:
                    log.warning("webhooks.lost-found", count=lost)
                    self._wakeup.set()
            except DATABASE_TROUBLE as trouble:
                log.warning("webhooks.housekeeping-failed", trouble)
            await asyncio.sleep(HOUSEKEEPING_SECONDS)

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wakeup.set()

    async def _drain(self) -> None:
        """Wait for the attempts in flight, record them, and release the remaining claims."""
        left: list[Claimed] = []
        if self._flying:
            _, late = await asyncio.wait(self._flying, timeout=DRAIN_SECONDS)
            left = [self._flying[task] for task in late]
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            await asyncio.sleep(0)  # lets the callbacks of the last tasks run
        await self._flush()
        if left:
            async with self._database.transaction() as session:
                await attempts.release_claims(session, left)


async def attempt(poster: Poster, claimed: Claimed, secrets: Sequence[bytes]) -> Finished:
    """Send one claimed delivery, signed with each of `secrets` (newest first), as a span of its journey."""
    started = time.monotonic()
    attributes: dict[str, str | int] = {
        "http.request.method": "POST",
        "enlace.delivery_id": str(claimed.delivery_id),
        "enlace.event_type": claimed.event_type,
        "enlace.attempt": claimed.attempt,
    }
    if claimed.journey_id is not None:
        attributes["enlace.journey_id"] = str(claimed.journey_id)
    with span_from(claimed.traceparent, "deliver webhook", kind=SpanKind.CLIENT, attributes=attributes) as span:
        answer = await _post(poster, claimed, secrets)
        _tell(span, answer)
    duration_ms = round((time.monotonic() - started) * 1000)
    if not answer.succeeded:
        log.info(
            "webhook.not-delivered",
            delivery_id=claimed.delivery_id,
            endpoint_id=claimed.endpoint_id,
            attempt=claimed.attempt,
            status=answer.status_code,
            reason=answer.fault,
        )
    return Finished(claimed=claimed, answer=answer, duration_ms=duration_ms)


async def _post(poster: Poster, claimed: Claimed, secrets: Sequence[bytes]) -> Answer:
    if not secrets:
        return Answer(fault=AttemptFault.SIGNING_FAILED)
    headers = signed_headers(
        message_id=str(claimed.message_id), body=claimed.body, secrets=secrets, at=datetime.now(UTC)
    )
    headers["User-Agent"] = USER_AGENT
    # All organisations that help one person share the trace of the journey. A receiver outside the network gets a
    # separate trace, which is linked here.
    with root_span("webhook sent", kind=SpanKind.CLIENT):
        traceparent = current_traceparent()
        if traceparent is not None:
            headers["traceparent"] = traceparent
        return await poster.post(claimed.url, headers=headers, body=claimed.body)


def _tell(span: Span, answer: Answer) -> None:
    if answer.status_code is not None:
        span.set_attribute("http.response.status_code", answer.status_code)
    if answer.fault is not None:
        span.set_attribute("error.type", answer.fault.value)
        span.set_status(Status(StatusCode.ERROR))


def _on_clock(finished: Finished, *, rate: float) -> Finished:
    """Convert the wait of a Retry-After from real time to the installation's clock, on which retries run."""
    wait = finished.answer.retry_after
    if wait is None or rate == 1.0:
        return finished
    return replace(finished, answer=replace(finished.answer, retry_after=wait * rate))
