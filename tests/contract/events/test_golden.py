"""Golden messages: every form that was ever published is read for ever, and nobody touches one."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from libs.events.catalogue import CATALOGUE
from libs.events.contracts.messages import LEDGER, USUAL, Message, digests_in, ledger_faults, ledger_of
from libs.events.handling.batch import Incoming
from libs.events.messages.envelope import schema_of
from tests.contract.events.reading import CONTRACTS, MESSAGES, NAMES, read_message


def schema_at(topic: str, type_: str) -> dict[str, Any]:
    """The published schema, from its file."""
    schema: dict[str, Any] = json.loads((CONTRACTS / "schemas" / topic / f"{type_}.json").read_text(encoding="utf-8"))
    return schema


@pytest.mark.parametrize("message", MESSAGES, ids=NAMES)
def test_a_consumer_reads_it(message: Message) -> None:
    """Seen to fail when a pattern of the catalogue was narrowed and when a field was renamed."""
    read = read_message(message)
    assert isinstance(read, Incoming), read
    received = read.received
    assert (received.event.topic, received.event.type) == (message.topic, message.type)
    assert received.key == message.key == received.event.key
    attributes = (
        message.value
        if message.is_structured
        else {name.removeprefix("ce_"): value for name, value in message.headers.items()}
    )
    assert (received.id, received.source) == (attributes["id"], attributes["source"])
    assert received.traceparent == attributes.get("traceparent")
    assert received.tracestate == attributes.get("tracestate")
    # What was written is there again, all of it.
    assert json.loads(received.event.model_dump_json(exclude_unset=True)) == json.loads(
        type(received.event).model_validate_json(json.dumps(message.data)).model_dump_json(exclude_unset=True)
    )


@pytest.mark.parametrize("message", MESSAGES, ids=NAMES)
def test_it_fits_the_published_schema_and_names_it(message: Message) -> None:
    schema = schema_at(message.topic, message.type)
    assert schema["$id"] == schema_of(message.topic, message.type)
    assert message.headers.get("ce_dataschema", schema["$id"]) == schema["$id"]
    checker = jsonschema.Draft7Validator(schema, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER)
    checker.validate(message.data)
    with pytest.raises(jsonschema.ValidationError, match="later_field"):
        checker.validate(message.data | {"later_field": 1})


@pytest.mark.parametrize(("topic", "type_"), sorted(CATALOGUE))
def test_every_type_has_its_schema_and_a_usual_message(topic: str, type_: str) -> None:
    jsonschema.Draft7Validator.check_schema(schema_at(topic, type_))
    assert f"{topic}/{type_}/{USUAL}" in NAMES


@pytest.mark.parametrize(("topic", "type_"), sorted(CATALOGUE))
def test_every_field_and_part_of_a_schema_says_what_it_means_and_is_closed(topic: str, type_: str) -> None:
    schema = schema_at(topic, type_)
    definitions = schema.get("definitions", {})
    for part in (schema, *definitions.values()):
        assert part["description"]
        if "properties" not in part:
            continue
        assert part["additionalProperties"] is False
        for name, field in part["properties"].items():
            inner = json.dumps(field)
            referred = [text for key, text in definitions.items() if f'"#/definitions/{key}"' in inner]
            assert field.get("description") or referred, f"{name} says nothing"


def test_the_ledger_knows_every_message_and_none_was_changed_or_removed() -> None:
    ledger = ledger_of((CONTRACTS / "messages" / LEDGER).read_text(encoding="utf-8"))
    assert list(ledger_faults(ledger, digests_in(CONTRACTS / "messages"))) == []


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        ({"t/a/usual.json": "1"}, "golden message t/b/usual.json was removed"),
        ({"t/a/usual.json": "9", "t/b/usual.json": "2"}, "golden message t/a/usual.json was changed"),
        (
            {"t/a/usual.json": "1", "t/b/usual.json": "2", "t/b/least.json": "3"},
            "golden message t/b/least.json is not in the ledger",
        ),
    ],
)
def test_a_message_that_was_changed_removed_or_slipped_in_is_named(found: dict[str, str], fault: str) -> None:
    (told,) = ledger_faults({"t/a/usual.json": "1", "t/b/usual.json": "2"}, found)
    assert told.startswith(fault)
