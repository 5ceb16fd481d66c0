"""CloudEvents on Kafka, against the `cloudevents` SDK in both content modes and both directions."""

import json
from datetime import UTC, datetime

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from libs.events.messages.envelope import EnvelopeError, Headers, new_id, read, valid_traceparent
from libs.events.relaying.publishing import Publisher

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ATTRIBUTES = {
    "id": "7f6c",
    "source": "urn:sender:bus",
    "type": "returnee.arrived.v1",
    "specversion": "1.0",
    "time": datetime(2026, 11, 1, 10, 0, tzinfo=UTC),
    "datacontenttype": "application/json",
    "traceparent": TRACE,
}


def binary(**changes: bytes | None) -> list[tuple[str, bytes]]:
    headers: dict[str, bytes | None] = {
        "ce_id": b"7f6c",
        "ce_source": b"urn:sender:bus",
        "ce_type": b"returnee.arrived.v1",
        "ce_specversion": b"1.0",
    }
    return [(name, value) for name, value in (headers | changes).items() if value is not None]


def of_sdk(message: KafkaMessage) -> tuple[Headers, bytes]:
    headers = [(name, value if isinstance(value, bytes) else value.encode()) for name, value in message.headers.items()]
    value = message.value if isinstance(message.value, bytes) else str(message.value).encode()
    return headers, value


@pytest.mark.parametrize("write", [to_binary_event, to_structured_event])
def test_what_the_sdk_writes_is_read(write: object) -> None:
    envelope = read(*of_sdk(write(CloudEvent(dict(ATTRIBUTES), {"sender_reference": "x"}))))  # type: ignore[operator]
    assert (envelope.id, envelope.source, envelope.type) == ("7f6c", "urn:sender:bus", "returnee.arrived.v1")
    assert envelope.time == ATTRIBUTES["time"]
    assert envelope.traceparent == TRACE
    assert json.loads(envelope.data) == {"sender_reference": "x"}


def test_what_the_relay_writes_is_read_by_the_sdk() -> None:
    publisher = Publisher(None, source="urn:enlace:referral", topics={})  # type: ignore[arg-type]
    created = datetime(2026, 11, 1, 10, 0, 0, 123456, tzinfo=UTC)
    row = (1, new_id(), "enlace.referral", "key", "offer.made.v1", b'{"a": 1}', TRACE, "vendor=1", created)
    event = from_binary_event(KafkaMessage(headers=dict(publisher.attributes(row)), key=b"key", value=b'{"a": 1}'))
    assert event.get_id() == row[1]
    assert event.get_source() == "urn:enlace:referral"
    assert event.get_type() == "offer.made.v1"
    assert event.get_specversion() == "1.0"
    assert event.get_time() == created
    assert event.get_dataschema() == "urn:enlace:schema:enlace.referral:offer.made.v1"
    assert event.get_datacontenttype() == "application/json"
    assert event.get_extension("traceparent") == TRACE
    assert event.get_data() == {"a": 1}


@pytest.mark.parametrize("name", ["id", "source", "type", "specversion"])
def test_a_missing_required_attribute_is_refused_and_never_made_up(name: str) -> None:
    with pytest.raises(EnvelopeError, match=f"{name}-missing"):
        read(binary(**{f"ce_{name}": None}), b"{}")
    attributes = {"id": "1", "source": "urn:a", "type": "t", "specversion": "1.0", "data": {}}
    del attributes[name]
    with pytest.raises(EnvelopeError, match=f"{name}-missing"):
        read([("content-type", b"application/cloudevents+json")], json.dumps(attributes).encode())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ce_specversion": b"2.0"}, "specversion-unknown"),
        ({"ce_id": b"\xff"}, "id-not-utf-8"),
        ({"ce_id": b"a\x00b"}, "id-invalid"),
        ({"ce_id": b"x" * 300}, "id-invalid"),
        ({"ce_source": b"Ana Ejemplo"}, "source-invalid"),
        ({"ce_source": "urn:recepción".encode()}, "source-invalid"),
        ({"ce_source": b'urn:"quoted"'}, "source-invalid"),
        ({"ce_source": b"urn:50%"}, "source-invalid"),
        ({"ce_source": b"urn:" + b"x" * 197}, "source-invalid"),
        ({"ce_time": b"yesterday"}, "time-invalid"),
        ({"ce_time": b"2026-11-01T10:00:00"}, "time-invalid"),
        ({"ce_time": b"20261101T100000Z"}, "time-invalid"),
        ({"ce_time": b"1793527200"}, "time-invalid"),
        ({"ce_time": b"0001-01-01T00:00:00+14:00"}, "time-invalid"),
        ({"content-type": b"text/xml"}, "content-type-not-json"),
    ],
)
def test_attributes_that_can_not_be_right_are_refused(changes: dict[str, bytes], code: str) -> None:
    with pytest.raises(EnvelopeError, match=code):
        read(binary(**changes), b"{}")


@pytest.mark.parametrize("source", ["urn:a:b-c_d~e", "/desk/1?q=(2)#x", "https://[::1]:8/a%20b;c=d", "s" * 200])
def test_whatever_is_written_as_a_uri_reference_may_be_a_source(source: str) -> None:
    assert read(binary(ce_source=source.encode()), b"{}").source == source


def test_an_attribute_that_repeats_is_refused_but_other_headers_may() -> None:
    with pytest.raises(EnvelopeError, match="attribute-repeated"):
        read([*binary(), ("ce_id", b"other")], b"{}")
    assert read([*binary(), ("x", b"\xff"), ("x", b"2")], b"{}").id == "7f6c"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "structured-not-json"),
        (b"[" * 100_000, "structured-json-refused"),
        (b"[]", "structured-not-an-object"),
        (b'{"specversion":"1.0","id":"1","source":"s","type":"t"}', "data-missing"),
        (b'{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"?"}', "data-not-base64"),
        (b'{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"e30=","data":{}}', "data-twice"),
        (b'{"specversion":"1.0","id":"1","source":"a b","type":"t","data":{}}', "source-invalid"),
        (b'{"specversion":"1.0","id":5,"source":"s","type":"t","data":{}}', "id-invalid"),
        (b'{"specversion":"1.0","id":"\\ud800","source":"s","type":"t","data":{}}', "structured-json-refused"),
        (b'{"specversion":"1.0","id":"1","id":"2","source":"s","type":"t","data":{}}', "structured-json-refused"),
    ],
)
def test_structured_events_that_can_not_be_right_are_refused(body: bytes, code: str) -> None:
    with pytest.raises(EnvelopeError, match=code):
        read([("content-type", b"application/cloudevents+json; charset=UTF-8")], body)


def test_a_structured_attribute_that_is_null_is_unset_and_base64_data_is_read() -> None:
    body = b'{"specversion":"1.0","id":"1","source":"s","type":"t","time":null,"data_base64":"e30="}'
    envelope = read([("content-type", b"Application/CloudEvents+JSON")], body)
    assert (envelope.time, envelope.data) == (None, b"{}")


def test_the_trace_of_the_creation_wins_over_that_of_a_later_hop() -> None:
    hop = TRACE.replace("b7ad", "aaaa").encode()
    assert read(binary(ce_traceparent=TRACE.encode(), traceparent=hop), b"{}").traceparent == TRACE
    assert read(binary(traceparent=hop), b"{}").traceparent == hop.decode()


def test_a_bad_trace_is_dropped_and_does_not_stop_the_event() -> None:
    assert read(binary(ce_traceparent=b"\xff-nonsense"), b"{}").traceparent is None
    assert valid_traceparent("00-" + "0" * 32 + "-b7ad6b7169203331-01") is None


def test_ids_rise_with_time() -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 1000
