"""JSON from others on Kafka is read as by REST, in binary and in structured mode."""

import base64
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from libs.events.catalogue.arrivals import ReturneeArrived
from libs.events.handling.batch import Incoming, Unreadable, understand
from libs.events.kafka import Record
from libs.events.subscriptions import Subscriptions
from libs.events.topics import TOPICS

ARRIVALS = TOPICS["enlace.arrivals"]

BOM = b"\xef\xbb\xbf"
PERSON: dict[str, Any] = {
    "sender_reference": "p-1",
    "arrived_at": "2026-11-01T10:00:00Z",
    "identity": {"given_names": "Sample", "family_names": "Person", "birth_date": "1990-05-17"},
    "profile": {"nationality": "GT", "identity_document": "held"},
}
TEXT = json.dumps(PERSON)
MODES = ("binary", "structured", "structured, in base64")


def subscriptions() -> Subscriptions:
    found = Subscriptions("sample")

    @found.on(ReturneeArrived)
    async def hear(_session: Any, _batch: Any) -> None: ...

    return found


def record(data: bytes, mode: str) -> Record:
    attributes = {"specversion": "1.0", "id": "1", "source": "urn:a", "type": ReturneeArrived.type}
    if mode == "binary":
        headers = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
        value = data
    else:
        headers = [("content-type", b"application/cloudevents+json")]
        start = json.dumps(attributes)[:-1].encode()
        encoded = base64.b64encode(data)
        value = (
            start + (b', "data": ' + data if mode == "structured" else b', "data_base64": "' + encoded + b'"') + b"}"
        )
    one = SimpleNamespace(
        topic="enlace.arrivals", headers=headers, value=value, key=b"p-1", partition=0, offset=1, timestamp=0
    )
    return cast(Record, one)


@pytest.mark.parametrize("mode", MODES)
def test_a_byte_order_mark_is_dropped(mode: str) -> None:
    told = record(TEXT.encode(), mode) if mode == "structured" else record(BOM + TEXT.encode(), mode)
    if mode != "binary":
        told = cast(Record, SimpleNamespace(**{**vars(told), "value": BOM + (told.value or b"")}))
    item = understand(told, subscriptions(), topic=ARRIVALS, keyring=None)
    assert isinstance(item, Incoming)
    assert item.received.event.identity.given_names == "Sample"


NAME = '"Sample"'
FIRST = '"sender_reference"'


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("was", "becomes", "rule"),
    [
        (NAME, '"Sample", "given_names": "Other"', "repeated-key"),
        (NAME, '"Sam\\u0000ple"', "nul-character"),
        (NAME, '"Sam\\ud800ple"', "lone-surrogate"),
        (NAME, "1e999", "number-out-of-range"),
        (NAME, "9" * 30, "number-out-of-range"),
        (NAME, "[" * 80 + "]" * 80, "too-deep"),
    ],
)
def test_what_rest_refuses_of_what_must_be_there_is_parked(mode: str, was: str, becomes: str, rule: str) -> None:
    item = understand(record(TEXT.replace(was, becomes).encode(), mode), subscriptions(), topic=ARRIVALS, keyring=None)
    assert isinstance(item, Unreadable)
    assert (item.code, item.detail.rpartition(" ")[2]) == ("json", rule)
    assert "Sam" not in item.detail


@pytest.mark.parametrize("mode", MODES)
def test_a_birth_date_that_is_told_twice_is_set_aside_in_every_mode(mode: str) -> None:
    twice = TEXT.replace('"birth_date": "1990-05-17"', '"birth_date": "2015-05-17", "birth_date": "1990-05-17"')
    item = understand(record(twice.encode(), mode), subscriptions(), topic=ARRIVALS, keyring=None)
    assert isinstance(item, Incoming)
    assert item.received.event.identity.birth_date is None
    assert [(part.pointer, part.rule) for part in item.received.set_aside] == [("/identity/birth_date", "repeated-key")]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("value", ["NaN", "1e999", "9" * 30, "[" * 80 + "]" * 80])
def test_what_stands_in_a_field_that_is_dropped_harms_nobody(mode: str, value: str) -> None:
    told = TEXT.replace(FIRST, f'"shoe_size": {value}, {FIRST}')
    assert isinstance(understand(record(told.encode(), mode), subscriptions(), topic=ARRIVALS, keyring=None), Incoming)


@pytest.mark.parametrize("twice", ['"id": "2"', '"data": {}', '"source": "urn:b"'])
def test_an_attribute_of_structured_mode_that_is_there_twice_is_refused(twice: str) -> None:
    sound = record(TEXT.encode(), "structured")
    value = (sound.value or b"").replace(b"{", b"{" + twice.encode() + b", ", 1)
    item = understand(
        cast(Record, SimpleNamespace(**{**vars(sound), "value": value})), subscriptions(), topic=ARRIVALS, keyring=None
    )
    assert isinstance(item, Unreadable)
    assert (item.code, item.detail) == ("envelope", "structured-json-refused")
