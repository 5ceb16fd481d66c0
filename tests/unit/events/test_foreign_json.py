"""JSON from others on Kafka is read as by REST, in binary and in structured mode."""

import base64
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from libs.events.batch import Incoming, Unreadable, understand
from libs.events.catalogue.arrivals import ReturneeArrived
from libs.events.kafka import Record
from libs.events.subscriptions import Subscriptions

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
    item = understand(told, subscriptions(), compacted=False)
    assert isinstance(item, Incoming)
    assert item.received.event.identity.given_names == "Sample"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("was", "becomes", "place"),
    [
        ('"birth_date": "1990-05-17"', '"birth_date": "2015-05-17", "birth_date": "1990-05-17"', "repeated-key"),
        ('"Sample"', '"Sam\\u0000ple"', "nul-character"),
        ('"Sample"', '"Sam\\ud800ple"', "lone-surrogate"),
        ('"sender_reference"', '"shoe_size": NaN, "sender_reference"', "number-out-of-range"),
        ('"sender_reference"', '"shoe_size": 1e999, "sender_reference"', "number-out-of-range"),
        ('"sender_reference"', f'"shoe_size": {"9" * 30}, "sender_reference"', "number-out-of-range"),
        ('"sender_reference"', f'"shoes": {"[" * 80}{"]" * 80}, "sender_reference"', "too-deep"),
    ],
)
def test_what_rest_refuses_is_parked(mode: str, was: str, becomes: str, place: str) -> None:
    item = understand(record(TEXT.replace(was, becomes).encode(), mode), subscriptions(), compacted=False)
    assert isinstance(item, Unreadable)
    if mode == "structured":
        assert (item.code, item.detail) == ("envelope", "structured-json-refused")
    else:
        assert (item.code, item.detail.rpartition(" ")[2]) == ("json", place)
        assert "Sam" not in item.detail
