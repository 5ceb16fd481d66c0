"""The rules of deliveries: their states, what a response means, and when the next attempt is due."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from uuid import UUID

from services.notifications.endpoints.rules import NotifiedType


class DeliveryStatus(StrEnum):
    """The status of a delivery."""

    PENDING = "pending"
    SENDING = "sending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class DeliveryStep(StrEnum):
    """What can happen to a delivery."""

    CLAIM = "claim"
    """A sender claims it. The claim is committed before the call."""
    SUCCEED = "succeed"
    RETRY = "retry"
    LOSE = "lose"
    """Its sender crashed or was stopped. It is sent again with the same webhook-id."""
    FAIL = "fail"
    REPLAY = "replay"
    """The organisation requests that it is sent again."""


NEXT_STATUS: dict[tuple[DeliveryStatus, DeliveryStep], DeliveryStatus] = {
    (DeliveryStatus.PENDING, DeliveryStep.CLAIM): DeliveryStatus.SENDING,
    (DeliveryStatus.PENDING, DeliveryStep.FAIL): DeliveryStatus.FAILED,
    (DeliveryStatus.SENDING, DeliveryStep.SUCCEED): DeliveryStatus.SUCCEEDED,
    (DeliveryStatus.SENDING, DeliveryStep.RETRY): DeliveryStatus.PENDING,
    (DeliveryStatus.SENDING, DeliveryStep.LOSE): DeliveryStatus.PENDING,
    (DeliveryStatus.SENDING, DeliveryStep.FAIL): DeliveryStatus.FAILED,
    (DeliveryStatus.SUCCEEDED, DeliveryStep.REPLAY): DeliveryStatus.PENDING,
    (DeliveryStatus.FAILED, DeliveryStep.REPLAY): DeliveryStatus.PENDING,
}


def next_status(current: DeliveryStatus, step: DeliveryStep) -> DeliveryStatus | None:
    """The status to which `step` leads from `current`, or None if the step is not allowed."""
    return NEXT_STATUS.get((current, step))


class AttemptFault(StrEnum):
    """Why an attempt did not succeed: a public code. The text of the receiver's response is never stored."""

    ADDRESS_FORBIDDEN = "address-forbidden"
    URL_FORBIDDEN = "url-forbidden"
    NAME_NOT_FOUND = "name-not-found"
    CONNECTION_FAILED = "connection-failed"
    TLS_FAILED = "tls-failed"
    PROTOCOL = "protocol-error"
    TIMEOUT = "timeout"
    REDIRECTED = "redirected"
    GONE = "gone"
    STATUS = "status-not-2xx"
    SENDER_LOST = "sender-lost"
    ENDPOINT_NOT_ENABLED = "endpoint-not-enabled"
    SIGNING_FAILED = "signing-failed"


RETRY_DELAYS: tuple[timedelta, ...] = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The wait before each attempt, after the previous one (Standard Webhooks 1.0): 10 attempts in 75 h 35 min."""
ATTEMPTS_MAX = len(RETRY_DELAYS)
JITTER_MAX = 0.1
"""A wait is lengthened at random by up to this share, so that deliveries that failed together are not all retried at
the same time."""
RETRY_AFTER_MAX = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one attempt: a status, a fault, or both."""

    status_code: int | None = None
    fault: AttemptFault | None = None
    retry_after: timedelta | None = None
    """The wait that a 429 or 503 requested."""

    @property
    def succeeded(self) -> bool:
        """True only for 2xx."""
        return self.fault is None and self.status_code is not None and 200 <= self.status_code < 300

    @property
    def gone(self) -> bool:
        """True for 410: the receiver does not want any more webhooks."""
        return self.fault is AttemptFault.GONE


def answer_of(status_code: int, *, retry_after: str | None, real_time: datetime) -> Answer:
    """The meaning of an HTTP response: only 2xx is success; a redirect is never followed."""
    if 200 <= status_code < 300:
        return Answer(status_code=status_code)
    if status_code == 410:
        return Answer(status_code=status_code, fault=AttemptFault.GONE)
    if 300 <= status_code < 400:
        return Answer(status_code=status_code, fault=AttemptFault.REDIRECTED)
    wait = retry_after_of(retry_after, real_time=real_time) if status_code in (429, 503) else None
    return Answer(status_code=status_code, fault=AttemptFault.STATUS, retry_after=wait)


def retry_after_of(text: str | None, *, real_time: datetime) -> timedelta | None:
    """The wait that a `Retry-After` header requests (seconds or an HTTP date), at most `RETRY_AFTER_MAX`; None if
    unreadable."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return min(timedelta(seconds=min(int(text.strip()[:9]), 10**8)), RETRY_AFTER_MAX)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment - real_time, timedelta(0)), RETRY_AFTER_MAX)


def next_attempt_at(
    *, now: datetime, attempts_made: int, retry_after: timedelta | None, jitter: float
) -> datetime | None:
    """The time of the next attempt after `attempts_made` failed attempts, or None if no attempt is left.

    `jitter` is a random number from 0 to 1. A receiver's Retry-After can only lengthen the wait.
    """
    if attempts_made >= ATTEMPTS_MAX:
        return None
    wait = RETRY_DELAYS[attempts_made] * (1 + JITTER_MAX * jitter)
    return now + max(wait, retry_after or timedelta(0))


_OF_OFFER = frozenset({"offer_id", "referral_id", "case_code", "provider_service_id"})
_OF_NEED = frozenset({"category", "service_type", "urgency", "people_count"})
FIELDS: dict[NotifiedType, frozenset[str]] = {
    NotifiedType.OFFER_MADE: _OF_OFFER | _OF_NEED | {"restricted", "answer_by", "acknowledge_by"},
    NotifiedType.OFFER_REMINDED: _OF_OFFER | {"answer_by"},
    NotifiedType.OFFER_ACCEPTED: _OF_OFFER,
    NotifiedType.OFFER_EXPIRED: _OF_OFFER,
    NotifiedType.OFFER_RECALLED: _OF_OFFER | {"reason"},
    NotifiedType.OFFER_HALTED: _OF_OFFER | {"reason"},
    NotifiedType.OFFER_UPHELD: _OF_OFFER,
    NotifiedType.REFERRAL_REMINDED: _OF_OFFER | {"awaits", "due_by"},
    NotifiedType.REFERRAL_CANCELLED: _OF_OFFER | {"reason"},
    NotifiedType.REFERRAL_ENTERED_IN_ERROR: _OF_OFFER,
    NotifiedType.REFERRAL_NOT_DELIVERED: _OF_OFFER | {"reason"},
    NotifiedType.STAY_ENDING: _OF_OFFER | {"ends_at", "phase"},
    NotifiedType.PACKET_DELETION_REQUESTED: _OF_OFFER | {"reason", "fetched", "answer_by"},
    NotifiedType.CAPACITY_REFRESH_REQUESTED: frozenset({"provider_service_id", "category", "requested_at"}),
    NotifiedType.ENDPOINT_DISABLED: frozenset({"endpoint_id"}),
}
"""The fields that the `data` of each type may contain: an allow-list with ids and codes only (domain P11). It excludes
the returnee's id: outside the network a person is identified only by a case code."""
TEST_TYPE = "endpoint.test.v1"
"""Sent only when an endpoint's owner asks for it."""
BODY_BYTES_MAX = 20_000


def fields_told(event_type: NotifiedType, *, restricted: bool) -> frozenset[str]:
    """The fields of an event that its notification may contain.

    The notification of a restricted offer says only that there is an offer. Its content can be read only with a scope
    of its own (domain P7).
    """
    fields = FIELDS[event_type]
    return fields - _OF_NEED if restricted else fields


def notice_body(event_type: str, *, at: datetime, data: str) -> str:
    """The text that is signed and sent, and listed in the inbox: `type`, `timestamp` of the event, `data` (JSON)."""
    timestamp = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return f'{{"type":"{event_type}","timestamp":"{timestamp}","data":{data}}}'


@dataclass(frozen=True, slots=True)
class Notice:
    """The notification of one event for one organisation."""

    message_id: UUID
    organization_id: UUID
    event_type: str
    body: str
    journey_id: UUID | None
    """The returnee whose journey it belongs to; for spans, never sent."""
    traceparent: str | None
    offer_id: UUID | None = None
    restricted: bool = False
    """It is about an offer of a restricted service: callers without `restricted:read` do not see it (domain P7)."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that a sender has claimed, with everything that one attempt needs."""

    delivery_id: UUID
    message_id: UUID
    endpoint_id: UUID
    organization_id: UUID
    event_type: str
    url: str
    body: str
    attempt: int
    """The number of this attempt. When the result is recorded, it also shows whether the claim is still valid."""
    attempts_before_replay: int
    journey_id: UUID | None
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Finished:
    """One finished attempt: its result and its duration."""

    claimed: Claimed
    answer: Answer
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The next status of a delivery after an attempt."""

    status: DeliveryStatus
    due_at: datetime | None


def decision_after(finished: Finished, *, now: datetime, jitter: float) -> Decision:
    """The delivery has succeeded, has failed permanently, or is pending until the next attempt.

    After a 410 there are no more attempts. `jitter` is a random number from 0 to 1.
    """
    if finished.answer.succeeded:
        return Decision(NEXT_STATUS[DeliveryStatus.SENDING, DeliveryStep.SUCCEED], None)
    made = finished.claimed.attempt - finished.claimed.attempts_before_replay
    due_at = next_attempt_at(now=now, attempts_made=made, retry_after=finished.answer.retry_after, jitter=jitter)
    if finished.answer.gone or due_at is None:
        return Decision(NEXT_STATUS[DeliveryStatus.SENDING, DeliveryStep.FAIL], None)
    return Decision(NEXT_STATUS[DeliveryStatus.SENDING, DeliveryStep.RETRY], due_at)
