"""Deliveries: every (state, step) pair, what answers mean, when the next attempt is due, what may be told."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.catalogue import CATALOGUE
from libs.events.catalogue.referral import OfferMade, ReferralCancelled
from libs.events.catalogue.registration import PacketDeletionRequested
from libs.events.codes import CancelReason, DeletionReason, Urgency
from libs.events.event import Event, Received
from services.notifications.deliveries import rules
from services.notifications.deliveries.rules import (
    ATTEMPTS_MAX,
    FIELDS,
    RETRY_AFTER_MAX,
    RETRY_DELAYS,
    Answer,
    AttemptFault,
    Claimed,
    Decision,
    DeliveryStatus,
    DeliveryStep,
    Finished,
    answer_of,
    decision_after,
    next_attempt_at,
    next_status,
    retry_after_of,
)
from services.notifications.endpoints.rules import NotifiedType
from services.notifications.inbox.subscribers import notice_of

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ALLOWED = {
    (DeliveryStatus.PENDING, DeliveryStep.CLAIM): DeliveryStatus.SENDING,
    (DeliveryStatus.PENDING, DeliveryStep.FAIL): DeliveryStatus.FAILED,
    (DeliveryStatus.SENDING, DeliveryStep.SUCCEED): DeliveryStatus.SUCCEEDED,
    (DeliveryStatus.SENDING, DeliveryStep.RETRY): DeliveryStatus.PENDING,
    (DeliveryStatus.SENDING, DeliveryStep.LOSE): DeliveryStatus.PENDING,
    (DeliveryStatus.SENDING, DeliveryStep.FAIL): DeliveryStatus.FAILED,
    (DeliveryStatus.SUCCEEDED, DeliveryStep.REPLAY): DeliveryStatus.PENDING,
    (DeliveryStatus.FAILED, DeliveryStep.REPLAY): DeliveryStatus.PENDING,
}


@pytest.mark.parametrize("step", DeliveryStep)
@pytest.mark.parametrize("status", DeliveryStatus)
def test_every_step_of_every_state(status, step):
    assert next_status(status, step) is ALLOWED.get((status, step))


def test_the_schedule_is_that_of_the_standard():
    minutes = [delay.total_seconds() / 60 for delay in RETRY_DELAYS]
    assert minutes == [0, 5 / 60, 5, 30, 120, 300, 600, 840, 1200, 1440]
    assert sum(RETRY_DELAYS, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)


@pytest.mark.parametrize("made", range(1, ATTEMPTS_MAX))
def test_after_each_failed_attempt_the_next_is_due_by_the_table(made):
    due = next_attempt_at(now=NOW, attempts_made=made, retry_after=None, jitter=0.0)
    assert due == NOW + RETRY_DELAYS[made]


def test_after_the_last_attempt_there_is_no_next():
    assert next_attempt_at(now=NOW, attempts_made=ATTEMPTS_MAX, retry_after=None, jitter=0.5) is None
    assert next_attempt_at(now=NOW, attempts_made=ATTEMPTS_MAX + 3, retry_after=timedelta(1), jitter=0.5) is None


@given(made=st.integers(1, ATTEMPTS_MAX - 1), jitter=st.floats(0, 1))
def test_jitter_lengthens_a_wait_by_a_tenth_at_most(made, jitter):
    due = next_attempt_at(now=NOW, attempts_made=made, retry_after=None, jitter=jitter)
    assert due is not None
    assert RETRY_DELAYS[made] <= due - NOW <= RETRY_DELAYS[made] * 1.1


@given(made=st.integers(1, ATTEMPTS_MAX - 1), wait=st.timedeltas(timedelta(0), RETRY_AFTER_MAX))
def test_retry_after_never_shortens_a_wait(made, wait):
    due = next_attempt_at(now=NOW, attempts_made=made, retry_after=wait, jitter=0)
    assert due == NOW + max(RETRY_DELAYS[made], wait)


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (200, None), (202, None), (204, None), (299, None),
        (100, AttemptFault.STATUS), (301, AttemptFault.REDIRECTED), (304, AttemptFault.REDIRECTED),
        (308, AttemptFault.REDIRECTED), (400, AttemptFault.STATUS), (404, AttemptFault.STATUS),
        (410, AttemptFault.GONE), (429, AttemptFault.STATUS), (500, AttemptFault.STATUS), (503, AttemptFault.STATUS),
    ],
)  # fmt: skip
def test_only_2xx_is_success(status, fault):
    answer = answer_of(status, retry_after=None, real_time=NOW)
    assert answer.fault is fault
    assert answer.succeeded is (fault is None)
    assert answer.gone is (status == 410)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        (None, None),
        ("120", timedelta(seconds=120)),
        (" 7 ", timedelta(seconds=7)),
        ("0", timedelta(0)),
        ("99999999999999999999", RETRY_AFTER_MAX),
        (format_datetime(NOW + timedelta(minutes=3), usegmt=True), timedelta(minutes=3)),
        (format_datetime(NOW - timedelta(minutes=3), usegmt=True), timedelta(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", RETRY_AFTER_MAX),
        ("-5", None),
        ("soon", None),
        ("1.5", None),
        ("²", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_bounded(text, wait):
    assert retry_after_of(text, real_time=NOW) == wait


@given(st.text(max_size=60))
def test_no_retry_after_breaks_us(text):
    wait = retry_after_of(text, real_time=NOW)
    assert wait is None or timedelta(0) <= wait <= RETRY_AFTER_MAX


@pytest.mark.parametrize("status", [200, 302, 404, 410, 500, 502])
def test_retry_after_counts_only_for_throttling(status):
    assert answer_of(status, retry_after="60", real_time=NOW).retry_after is None


@pytest.mark.parametrize("status", [429, 503])
def test_throttling_is_heard(status):
    assert answer_of(status, retry_after="60", real_time=NOW).retry_after == timedelta(seconds=60)


CLAIMED = Claimed(
    delivery_id=uuid4(), message_id=uuid4(), endpoint_id=uuid4(), organization_id=uuid4(), event_type="offer.made.v1",
    url="https://a.example/", body="{}", attempt=1, attempts_before_replay=0, journey_id=None, traceparent=None,
)  # fmt: skip


def decided(answer: Answer, *, attempt: int = 1, before_replay: int = 0) -> Decision:
    claimed = replace(CLAIMED, attempt=attempt, attempts_before_replay=before_replay)
    return decision_after(Finished(claimed=claimed, answer=answer, duration_ms=1), now=NOW, jitter=0)


def test_an_answer_decides_the_delivery():
    failed = Answer(status_code=500, fault=AttemptFault.STATUS)
    assert decided(Answer(status_code=204)) == Decision(DeliveryStatus.SUCCEEDED, None)
    assert decided(failed) == Decision(DeliveryStatus.PENDING, NOW + timedelta(seconds=5))
    assert decided(failed, attempt=9) == Decision(DeliveryStatus.PENDING, NOW + timedelta(hours=24))
    assert decided(failed, attempt=10) == Decision(DeliveryStatus.FAILED, None)
    assert decided(Answer(status_code=410, fault=AttemptFault.GONE)) == Decision(DeliveryStatus.FAILED, None)


def test_a_replayed_delivery_gets_the_whole_schedule_again():
    failed = Answer(fault=AttemptFault.TIMEOUT)
    assert decided(failed, attempt=11, before_replay=10) == Decision(DeliveryStatus.PENDING, NOW + timedelta(seconds=5))
    assert decided(failed, attempt=20, before_replay=10) == Decision(DeliveryStatus.FAILED, None)


AN_OFFER = OfferMade(
    returnee_id=uuid4(), case_code="GT-SMPL-0001", need_id=uuid4(), category="shelter", at=NOW,
    referral_id=uuid4(), offer_id=uuid4(), organization_id=uuid4(), provider_service_id=uuid4(),
    urgency=Urgency.URGENT, people_count=1, service_type="temporary_shelter", restricted=False, answer_by=NOW,
    acknowledge_by=NOW,
)  # fmt: skip


def received(event: Event) -> Received[Event]:
    return Received(event=event, id=str(uuid4()), source="urn:enlace:referral", time=NOW, key=event.key)


def test_every_notified_type_is_an_event_and_says_what_it_may_tell():
    types = {type_ for _, type_ in CATALOGUE}
    assert set(FIELDS) == set(NotifiedType)
    assert {notified.value for notified in NotifiedType} <= types
    for notified, fields in FIELDS.items():
        model = next(model for (_, type_), model in CATALOGUE.items() if type_ == notified)
        assert set(fields) <= set(model.model_fields), notified


def test_no_notification_names_the_returnee_or_the_need():
    told = {field for fields in FIELDS.values() for field in fields}
    assert not told & {"returnee_id", "need_id", "household_id"}


def test_an_event_tells_its_allowed_facts_and_no_more():
    notice = notice_of(received(AN_OFFER))
    assert notice is not None
    told = json.loads(notice.body)
    assert set(told["data"]) == FIELDS[NotifiedType.OFFER_MADE]
    assert str(AN_OFFER.returnee_id) not in notice.body
    assert str(AN_OFFER.need_id) not in notice.body
    assert (notice.organization_id, notice.journey_id) == (AN_OFFER.organization_id, AN_OFFER.returnee_id)


def test_a_restricted_offer_tells_only_that_there_is_one():
    notice = notice_of(received(AN_OFFER.model_copy(update={"restricted": True})))
    assert notice is not None
    told = json.loads(notice.body)["data"]
    of_the_offer = {"offer_id", "referral_id", "case_code", "provider_service_id", "restricted"}
    assert set(told) == of_the_offer | {"answer_by", "acknowledge_by"}


def test_a_request_to_delete_tells_codes_only_and_no_category():
    asked = PacketDeletionRequested(
        returnee_id=uuid4(), offer_id=uuid4(), referral_id=uuid4(), organization_id=uuid4(),
        provider_service_id=uuid4(),
        case_code="GT-SMPL-0001", reason=DeletionReason.CONSENT_WITHDRAWN, fetched=True, answer_by=NOW, at=NOW,
    )  # fmt: skip
    notice = notice_of(received(asked))
    assert notice is not None
    assert (notice.organization_id, notice.event_type) == (asked.organization_id, "packet.deletion-requested.v1")
    told = json.loads(notice.body)["data"]
    of_the_offer = {"offer_id", "referral_id", "case_code", "provider_service_id"}
    assert set(told) == of_the_offer | {"reason", "fetched", "answer_by"}


def test_an_offer_that_nobody_has_to_acknowledge_says_nothing_of_it():
    notice = notice_of(received(AN_OFFER.model_copy(update={"acknowledge_by": None})))
    assert notice is not None
    assert set(json.loads(notice.body)["data"]) == FIELDS[NotifiedType.OFFER_MADE] - {"acknowledge_by"}


def test_what_has_no_value_is_left_out_and_who_names_no_organisation_is_passed_by():
    facts = AN_OFFER.model_dump(include={"returnee_id", "case_code", "need_id", "category", "at", "referral_id"})
    cancelled = ReferralCancelled(**facts, reason=CancelReason.DUPLICATE)
    assert notice_of(received(cancelled)) is None
    at_provider = cancelled.model_copy(update={"organization_id": AN_OFFER.organization_id})
    notice = notice_of(received(at_provider))
    assert notice is not None
    assert set(json.loads(notice.body)["data"]) == {"referral_id", "case_code", "reason"}


def test_the_body_is_that_of_the_standard_and_far_below_its_limit():
    notice = notice_of(received(AN_OFFER))
    assert notice is not None
    assert list(json.loads(notice.body)) == ["type", "timestamp", "data"]
    assert json.loads(notice.body)["timestamp"] == "2026-11-22T12:00:00Z"
    assert len(notice.body) < rules.BODY_BYTES_MAX / 10
