"""From an event to a signed webhook at a real receiver, and what becomes of receivers that fail."""

import asyncio
import json
import logging
from datetime import UTC, datetime

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from libs.chassis.clock import Clock
from services.notifications.deliveries import loop, posting
from services.notifications.inbox.subscribers import file_notices
from tests.service.notifications.conftest import ALICE, BRUNO, TRACEPARENT, a_database, an_offer
from tests.service.notifications.receiving import answering, answering_after, answering_in_turn, receiver

TRACE_ID = TRACEPARENT.split("-")[1]


def faster(rate: float) -> Clock:
    """A clock on which so many seconds pass in one."""
    return Clock(rate=rate, origin=datetime.now(UTC))


async def outbox(service, type_):
    rows = await service.rows("SELECT payload, key, traceparent FROM outbox WHERE type = $1 ORDER BY id", type_)
    return [(json.loads(row["payload"]), row["key"], row["traceparent"]) for row in rows]


async def test_an_offer_reaches_its_provider_signed_thin_and_on_its_trace(service, webhooks):
    endpoint = await service.add_endpoint(webhooks.url + "/hook?token=kept")
    service.start(service.sender())
    offer = an_offer()
    (event,) = await service.tell(offer)
    (call,) = await webhooks.wait_for(1)
    content = call.verified_by(endpoint["secret"])
    assert content["type"] == "offer.made.v1"
    assert content["data"] == {
        "offer_id": str(offer.offer_id),
        "referral_id": str(offer.referral_id),
        "case_code": "GT-SMPL-0001",
        "category": "shelter",
        "service_type": "temporary_shelter",
        "urgency": "urgent",
        "people_count": 1,
        "provider_service_id": str(offer.provider_service_id),
        "restricted": False,
        "answer_by": offer.answer_by.isoformat().replace("+00:00", "Z"),
    }
    assert str(offer.returnee_id) not in call.body.decode() + str(call.headers)
    assert call.message_id == event.id
    assert call.headers["traceparent"].split("-")[1] not in (TRACE_ID, "0" * 32), "the journey's is for nobody outside"
    assert call.headers["content-type"] == "application/json"
    (row,) = await service.wait_for_rows("SELECT * FROM delivery WHERE status = 'succeeded'")
    assert (row["attempt_count"], row["journey_id"], row["due_at"]) == (1, offer.returnee_id, None)
    log = (await service.get(f"/v1/deliveries/{row['id']}")).json()
    assert [(attempt["status_code"], attempt["fault"]) for attempt in log["attempts"]] == [(204, None)]
    ((told, key, traceparent),) = await outbox(service, "delivery.succeeded.v1")
    assert (told["delivery_id"], told["event_type"], told["attempt_count"]) == (str(row["id"]), "offer.made.v1", 1)
    assert (key, traceparent[3:35]) == (endpoint["id"], TRACE_ID)


async def test_only_enabled_endpoints_of_the_organisation_that_ask_for_the_type_get_it(service, webhooks):
    wanting = await service.add_endpoint(webhooks.url + "/wanting", event_types=["offer.made.v1"])
    await service.add_endpoint(webhooks.url + "/others", event_types=["offer.recalled.v1"])
    off = await service.add_endpoint(webhooks.url + "/off")
    await service.post(f"/v1/endpoints/{off['id']}/disable")
    await service.add_endpoint(webhooks.url + "/bruno", BRUNO)
    await service.tell(an_offer(ALICE))
    rows = await service.rows("SELECT endpoint_id FROM delivery")
    assert [str(row["endpoint_id"]) for row in rows] == [wanting["id"]]


async def test_an_event_that_comes_again_makes_no_second_delivery(service, webhooks):
    await service.add_endpoint(webhooks.url)
    batch = await service.tell(an_offer())
    async with service.database.transaction() as session:
        await file_notices(session, batch)
    assert len(await service.rows("SELECT 1 FROM delivery")) == 1
    assert len(await service.rows("SELECT 1 FROM notification")) == 1


async def test_a_failed_attempt_is_made_again_under_the_same_id_and_freshly_signed(service, webhooks):
    endpoint = await service.add_endpoint(webhooks.url)
    webhooks.behaviour = answering_in_turn(500, 404, 204)
    async with a_database(service.url, faster(400)) as database:
        service.start(service.sender(database))
        await service.tell(an_offer(), database=database)
        calls = await webhooks.wait_for(3)
        assert len({call.message_id for call in calls}) == 1
        assert len({call.body for call in calls}) == 1
        for call in calls:
            call.verified_by(endpoint["secret"])
        await service.wait_for_rows("SELECT 1 FROM delivery WHERE status = 'succeeded'")
        rows = await service.rows("SELECT number, status_code, fault FROM attempt ORDER BY number")
        assert [tuple(row) for row in rows] == [
            (1, 500, "status-not-2xx"), (2, 404, "status-not-2xx"), (3, 204, None),
        ]  # fmt: skip
        (row,) = await service.rows("SELECT failing_since, status FROM endpoint")
        assert (row["failing_since"], row["status"]) == (None, "enabled")
        await service.stop()


async def test_a_redirect_is_a_failure_and_is_not_followed(service, webhooks):
    async with receiver() as elsewhere:
        await service.add_endpoint(webhooks.url)
        webhooks.behaviour = answering(307, {"Location": elsewhere.url})
        service.start(service.sender())
        await service.tell(an_offer())
        (row,) = await service.wait_for_rows("SELECT status_code, fault FROM attempt")
        assert tuple(row) == (307, "redirected")
        assert (await service.rows("SELECT status FROM delivery"))[0]["status"] == "pending"
        assert not elsewhere.calls


async def test_a_receiver_that_is_gone_is_switched_off_and_its_organisation_told(service, webhooks):
    endpoint = await service.add_endpoint(webhooks.url)
    webhooks.behaviour = answering(410)
    service.start(service.sender())
    await service.tell(an_offer())
    await service.wait_for_rows("SELECT 1 FROM delivery WHERE status = 'failed'")
    read = (await service.get(f"/v1/endpoints/{endpoint['id']}")).json()
    assert (read["status"], read["disabled_reason"]) == ("disabled", "gone")
    assert len(await outbox(service, "endpoint.disabled.v1")) == 1
    await service.tell(an_offer())
    assert len(await service.rows("SELECT 1 FROM delivery")) == 1
    assert len(webhooks.calls) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_receiver_that_asks_for_a_pause_gets_it_for_all_its_deliveries(service, webhooks, status):
    endpoint = await service.add_endpoint(webhooks.url)
    webhooks.behaviour = answering(status, {"Retry-After": "3600"})
    service.start(service.sender())
    await service.tell(an_offer())
    (row,) = await service.wait_for_rows(
        "SELECT due_at - now() AS wait FROM delivery WHERE status = 'pending' AND attempt_count = 1"
    )
    assert 3500 < row["wait"].total_seconds() <= 3600
    assert (await service.get(f"/v1/endpoints/{endpoint['id']}")).json()["paused_until"] is not None
    await service.tell(an_offer())
    await service.stop()
    service.start(service.sender())
    other = await service.add_endpoint(webhooks.url + "/other", BRUNO)
    await service.tell(an_offer(BRUNO))
    await webhooks.wait_for(2)
    assert [call.path for call in webhooks.calls] == ["/", "/other"]
    assert other["status"] == "enabled"


async def test_a_receiver_that_does_not_answer_in_time_is_a_failure(service, webhooks, monkeypatch):
    monkeypatch.setattr(posting, "TIMEOUT_SECONDS", 0.3)
    await service.add_endpoint(webhooks.url)
    gate = asyncio.Event()
    webhooks.behaviour = answering_after(gate)
    service.start(service.sender())
    await service.tell(an_offer())
    (row,) = await service.wait_for_rows("SELECT status_code, fault, duration_ms FROM attempt")
    gate.set()
    assert (row["status_code"], row["fault"]) == (None, "timeout")
    assert 250 <= row["duration_ms"] < 5000


async def test_a_receiver_that_is_not_there_is_a_failure(service):
    await service.add_endpoint("http://127.0.0.1:9/")
    service.start(service.sender())
    await service.tell(an_offer())
    (row,) = await service.wait_for_rows("SELECT status_code, fault FROM attempt")
    assert tuple(row) == (None, "connection-failed")


async def test_a_slow_receiver_gets_so_many_at_once_and_does_not_hold_up_others(service, webhooks):
    gate = asyncio.Event()
    webhooks.behaviour = answering_after(gate)
    await service.add_endpoint(webhooks.url)
    async with receiver() as quick:
        await service.add_endpoint(quick.url, BRUNO)
        service.start(service.sender(concurrency=6, endpoint_concurrency=4))
        await service.tell(*(an_offer(ALICE) for _ in range(12)))
        await webhooks.wait_for(4)
        await service.tell(*(an_offer(BRUNO) for _ in range(12)))
        await quick.wait_for(12)
        assert webhooks.open_most == 4
        gate.set()
        await webhooks.wait_for(12)
        assert quick.open_most <= 4


async def test_what_a_receiver_writes_is_kept_nowhere(service, webhooks, caplog):
    await service.add_endpoint(webhooks.url)
    webhooks.behaviour = answering(500, {"X-Marked": "canary-7713"}, text="canary-7713 Sample Person")
    with caplog.at_level(logging.DEBUG, logger="services"):
        service.start(service.sender())
        await service.tell(an_offer())
        await service.wait_for_rows("SELECT 1 FROM attempt")
        await service.stop()
    dump = [
        str(tuple(row))
        for table in ("attempt", "delivery", "outbox")
        for row in await service.rows(f"SELECT * FROM {table}")
    ]
    assert "canary" not in "".join(dump)
    assert "canary" not in caplog.text
    assert not any("canary" in str(record.__dict__) for record in caplog.records if record.name.startswith("services"))


async def test_a_large_answer_does_not_hold_a_sender_up(service, webhooks):
    await service.add_endpoint(webhooks.url)
    webhooks.behaviour = answering(200, text="x" * 3_000_000)
    service.start(service.sender())
    await service.tell(*(an_offer() for _ in range(5)))
    await service.wait_for_rows("SELECT 1 FROM delivery WHERE status = 'succeeded' HAVING count(*) = 5")


async def test_while_a_secret_is_rotated_both_old_and_new_verify(service, webhooks):
    endpoint = await service.add_endpoint(webhooks.url)
    rotated = (await service.post(f"/v1/endpoints/{endpoint['id']}/rotate-secret")).json()
    service.start(service.sender())
    await service.tell(an_offer())
    (call,) = await webhooks.wait_for(1)
    assert len(call.headers["webhook-signature"].split(" ")) == 2
    call.verified_by(rotated["secret"])
    call.verified_by(endpoint["secret"])
    await service.rows("UPDATE endpoint_secret SET signs_until = now() WHERE signs_until IS NOT NULL")
    await service.tell(an_offer())
    call = (await webhooks.wait_for(2))[1]
    assert len(call.headers["webhook-signature"].split(" ")) == 1
    call.verified_by(rotated["secret"])


async def test_a_secret_that_no_key_opens_sends_nothing_unsigned(service, webhooks):
    await service.add_endpoint(webhooks.url)
    await service.rows("UPDATE endpoint_secret SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)")
    service.start(service.sender())
    await service.tell(an_offer())
    (row,) = await service.wait_for_rows("SELECT status_code, fault FROM attempt")
    assert tuple(row) == (None, "signing-failed")
    assert not webhooks.calls


async def test_a_new_row_is_sent_at_once_and_not_at_the_next_look(service, webhooks, monkeypatch):
    monkeypatch.setattr(loop, "POLL_SECONDS", 30.0)
    await service.add_endpoint(webhooks.url)
    service.start(service.sender())
    await asyncio.sleep(0.3)
    await service.tell(an_offer())
    await webhooks.wait_for(1, seconds=5)


@pytest.fixture
def spans(service):
    """The spans of this process, as they end."""
    exporter = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    processor = SimpleSpanProcessor(exporter)
    provider.add_span_processor(processor)
    yield exporter
    processor.shutdown()


async def test_each_attempt_is_a_span_of_the_journey(service, webhooks, spans):
    await service.add_endpoint(webhooks.url + "/hook?token=canary-7713")
    webhooks.behaviour = answering(503)
    service.start(service.sender())
    offer = an_offer()
    await service.tell(offer)
    await service.wait_for_rows("SELECT 1 FROM attempt")
    (span,) = [span for span in spans.get_finished_spans() if span.name == "deliver webhook"]
    assert format(span.context.trace_id, "032x") == TRACE_ID
    assert format(span.parent.span_id, "016x") == TRACEPARENT.split("-")[2]
    (call,) = webhooks.calls
    (sent,) = [one for one in spans.get_finished_spans() if one.name == "webhook sent"]
    assert call.headers["traceparent"].split("-")[1] == format(sent.context.trace_id, "032x") != TRACE_ID
    assert [link.context.span_id for link in sent.links] == [span.context.span_id], "inside, both are found together"
    told = dict(span.attributes)
    assert told.pop("enlace.delivery_id")
    assert told == {
        "http.request.method": "POST",
        "http.response.status_code": 503,
        "error.type": "status-not-2xx",
        "enlace.event_type": "offer.made.v1",
        "enlace.attempt": 1,
        "enlace.journey_id": str(offer.returnee_id),
    }
    assert not span.status.is_ok
