"""Every golden message against the `cloudevents` SDK: each side reads what the other writes, in both content modes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.kafka import (
    KafkaMessage,
    from_kafka_event,
    to_binary_event,
    to_structured_event,
)

from libs.events.contracts.messages import Message
from libs.events.handling.batch import Incoming
from libs.events.messages.envelope import schema_of
from tests.contract.events.reading import MESSAGES, NAMES, read_message, read_record

OF_CLOUDEVENTS = json.loads((Path(__file__).parent / "cloudevents.schema.json").read_text(encoding="utf-8"))
"""JSON Schema of the CloudEvents JSON format 1.0, as its specification has it."""

Write = Callable[[BaseCloudEvent], KafkaMessage]


def of_sdk(message: Message) -> BaseCloudEvent:
    """A golden message as the SDK reads it; it takes the mode from the content type."""
    return from_kafka_event(
        KafkaMessage(headers=dict(message.wire_headers), key=message.key.encode(), value=message.wire_value)
    )


@pytest.mark.parametrize("message", MESSAGES, ids=NAMES)
def test_the_sdk_reads_what_we_read(message: Message) -> None:
    ours, theirs = read_message(message), of_sdk(message)
    assert isinstance(ours, Incoming)
    assert theirs.get_id() == ours.received.id
    assert theirs.get_source() == ours.received.source
    assert theirs.get_type() == message.type
    assert theirs.get_specversion() == "1.0"
    if message.form != "without-time":  # The SDK makes a time up.
        assert theirs.get_time() == ours.received.time
    assert theirs.get_extension("traceparent") == ours.received.traceparent
    assert theirs.get_extension("tracestate") == ours.received.tracestate
    assert theirs.get_data() == message.data
    if not message.topic.endswith("arrivals"):
        assert theirs.get_dataschema() == schema_of(message.topic, message.type)


@pytest.mark.parametrize("write", [to_binary_event, to_structured_event], ids=["binary", "structured"])
@pytest.mark.parametrize("message", MESSAGES, ids=NAMES)
def test_we_read_what_the_sdk_writes(message: Message, write: Write) -> None:
    written = write(of_sdk(message))
    headers = [(name, _bytes(value)) for name, value in written.headers.items()]
    ours, again = read_message(message), read_record(message.topic, message.key, headers, _bytes(written.value))
    assert isinstance(ours, Incoming)
    assert isinstance(again, Incoming), again
    assert again.received.event == ours.received.event
    for name in ("id", "source", "key", "traceparent", "tracestate"):
        assert getattr(again.received, name) == getattr(ours.received, name)
    if message.form != "without-time":
        assert again.received.time == ours.received.time


@pytest.mark.parametrize("message", MESSAGES, ids=NAMES)
def test_in_structured_mode_it_fits_the_schema_of_cloudevents(message: Message) -> None:
    body = message.value if message.is_structured else json.loads(_bytes(to_structured_event(of_sdk(message)).value))
    jsonschema.Draft7Validator(OF_CLOUDEVENTS, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER).validate(body)


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
