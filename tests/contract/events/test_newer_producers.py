"""Producers are closed, consumers open: whatever a newer producer adds, a consumer reads on or sets the event aside."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from libs.events.catalogue import CATALOGUE
from libs.events.contracts.messages import Message
from libs.events.contracts.schemas import event_schema, inlined
from libs.events.handling.batch import Incoming, Unreadable
from libs.events.messages.opening import UnreadableEventError, parse
from libs.events.topics import TOPICS
from tests.contract.events.mutations import Place, at, code_places, newer
from tests.contract.events.reading import MESSAGES, NAMES, read_message, read_record

SCHEMAS = {name: inlined(event_schema(model, TOPICS[model.topic])) for name, model in CATALOGUE.items()}
QUICK = settings(
    max_examples=15,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def read_data(message: Message, data: object) -> Incoming | Unreadable | None:
    headers = [(name, value.encode()) for name, value in message.headers.items()]
    if message.is_structured:
        data = message.value | {"data": data}
    return read_record(message.topic, message.key, headers, json.dumps(data).encode())


def stand_in(known: list[str]) -> str | None:
    """What decision 0013 puts in the place of a code that is not known."""
    return next((code for code in ("unknown", "other") if code in known), None)


def aside_with(message: Message, place: Place) -> Place | None:
    """The smallest optional part that holds a place: it is set aside (decision 0042). None if there is none."""
    paths = {one.path for one in CATALOGUE[message.topic, message.type].optional_parts}
    for end in range(len(place), 0, -1):
        if "/" + "/".join("*" if isinstance(step, int) else step for step in place[:end]) in paths:
            return place[:end]
    return None


def above(place: Place) -> set[str]:
    """A place and all that holds it, as pointers."""
    return {"/" + "/".join(map(str, place[:end])) for end in range(1, len(place) + 1)}


@pytest.mark.parametrize("message", MESSAGES, ids=NAMES)
@QUICK
@given(data=st.data())
def test_what_a_newer_producer_writes_is_read_or_set_aside(data: st.DataObject, message: Message) -> None:
    """Seen to fail when unknown fields were forbidden, and when a code without a stand-in was dropped from its list."""
    later = data.draw(newer(message, SCHEMAS[message.topic, message.type]))
    read, usual = read_data(message, later.data), read_message(message)
    assert isinstance(usual, Incoming)
    expected = json.loads(json.dumps(message.data))
    optional = {place for place in later.coded if aside_with(message, place) is not None}
    if optional:
        required = [known for place, known in later.coded.items() if place not in optional]
        if any(stand_in(known) is None for known in required):
            assert isinstance(read, Unreadable)
        else:
            assert isinstance(read, Incoming)
            pointers = {one.pointer for one in read.received.set_aside}
            assert all(pointers & above(aside_with(message, place) or ()) for place in optional)
        return
    for place, known in later.coded.items():
        code = stand_in(known)
        if code is None:
            assert isinstance(read, Unreadable)
            assert read.code == "unknown-code"
            return
        at(expected, place[:-1])[place[-1]] = code
    assert isinstance(read, Incoming), read
    assert read.received.event == type(usual.received.event).model_validate_json(json.dumps(expected))


@pytest.mark.parametrize("message", MESSAGES, ids=NAMES)
def test_each_place_for_a_code_alone_has_its_way_with_an_unknown_one(message: Message) -> None:
    for place, known in code_places(message.data, SCHEMAS[message.topic, message.type]).items():
        later = json.loads(json.dumps(message.data))
        at(later, place[:-1])[place[-1]] = "a_code_of_tomorrow"
        read = read_data(message, later)
        if (part := aside_with(message, place)) is not None:
            assert isinstance(read, Incoming)
            (aside,) = read.received.set_aside
            assert (aside.pointer, aside.rule) == ("/" + "/".join(map(str, part)), "unknown-code")
        elif stand_in(known) is None:
            assert isinstance(read, Unreadable)
            assert (read.code, _told(place) in read.detail) == ("unknown-code", True)
            assert "tomorrow" not in read.detail
        else:
            assert isinstance(read, Incoming)
            assert at(read.received.event.model_dump(mode="json"), place) == stand_in(known)


@pytest.mark.parametrize("message", MESSAGES, ids=NAMES)
def test_a_producer_can_not_write_a_field_that_its_type_has_not(message: Message) -> None:
    model = CATALOGUE[message.topic, message.type]
    with pytest.raises(ValidationError, match="extra_forbidden"):
        model.model_validate_json(json.dumps(message.data | {"later_field": 1}))


@pytest.mark.parametrize("wrong", [5, None, True, ["full"], {"full": 1}])
def test_what_is_not_even_text_is_no_code_of_tomorrow(wrong: object) -> None:
    """Seen to fail before `opening` looked at what stood there: 5 became `other`."""
    (message,) = (one for one in MESSAGES if (one.type, one.form) == ("offer.declined.v1", "usual"))
    with pytest.raises(UnreadableEventError) as caught:
        parse(CATALOGUE[message.topic, message.type], json.dumps(message.data | {"reason": wrong}).encode())
    assert caught.value.code == "schema"


def _told(place: Place) -> str:
    return ".".join(map(str, place))
