"""The sender: takes due deliveries, sends them side by side, records what came of them.

At-least-once: the claim is committed before the call, so after a crash the delivery is sent again, under the same
`webhook-id`. Two senders may run at once, in one process or several. No order is promised among deliveries.
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
"""How soon a due delivery is found that nobody in this process announced: a retry, or one of another process."""
HOUSEKEEPING_SECONDS = 2.0
PAUSE_SECONDS = 1.0
"""After a failure of the database."""
DRAIN_SECONDS = 5.0
"""So long a sender that stops waits for answers; what is left then is given back to be sent again."""
USER_AGENT = "Enlace-Webhooks/1"
DATABASE_TROUBLE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    DBAPIError,
    PoolTimeout,
)
"""What passes by itself: the work is tried again. Anything else is a fault and ends the loop, loudly."""

Secrets = Mapping[UUID, Sequence[bytes]]


class Sender:
    """Sends webhooks until it is told to stop.

    `concurrency` bounds the attempts in flight, `endpoint_concurrency` those to one endpoint.
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
        """Claim what is due and start sending it; whether there was anything."""
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
        """An attempt is over: make room for the next and have it recorded."""
        claimed = self._flying.pop(task)
        if not task.cancelled():
            fault = task.exception()
            if fault is not None:  # a fault of ours; the lease gives the delivery to the next sender
                log.error("webhooks.attempt-broke", fault, delivery_id=claimed.delivery_id)
            else:
                self._landed.append(task.result())
                self._recordable.set()
        self._wakeup.set()

    async def _record(self) -> None:
        """Write down what has landed, all that is there at once."""
        while True:
            await self._recordable.wait()
            self._recordable.clear()
            if not await self._flush():
                await asyncio.sleep(PAUSE_SECONDS)
                self._recordable.set()

    async def _flush(self) -> bool:
        """One transaction for everything that has landed; False if it must be tried again.

        What could not be recorded within its lease is dropped by `attempts`: it has been given to another.
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
            # Whatever ended the transaction, a cancellation too: what was recorded after all is dropped next time.
            self._landed = batch + self._landed
            if not isinstance(trouble, DATABASE_TROUBLE):
                raise
            log.warning("webhooks.record-failed", trouble, count=len(batch))
            return False
        return True

    async def _keep_house(self) -> None:
        """Now and then give lost deliveries back and end those that have nowhere to go."""
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
        """Wait for what is in flight, record it, give back the rest."""
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
    # The journey's trace is one for all organisations that help a person: outsiders get one of their own, linked here.
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
    """A receiver means real time by its Retry-After; retries run on the installation's clock."""
    wait = finished.answer.retry_after
    if wait is None or rate == 1.0:
        return finished
    return replace(finished, answer=replace(finished.answer, retry_after=wait * rate))
