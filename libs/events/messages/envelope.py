"""CloudEvents 1.0 on Kafka. Events are written in binary mode, and read in binary and in structured mode.

An event without a required attribute is refused. No attribute is invented: with an invented id the inbox could not
detect repetitions. Producers' models are closed, but consumers parse openly: see `libs.events.messages.opening`.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import uuid_utils

from libs.wire.json_text import Fault, faults_of, member_of, without_mark
from libs.wire.values import is_moment

CONTENT_TYPE = b"application/json"
SPEC_VERSION = b"1.0"
ID_LENGTH_MAX = 256
SOURCE_LENGTH_MAX = 200
TRACESTATE_LENGTH_MAX = 512
"""The length up to which W3C Trace Context requires everyone to pass a trace state on."""

Headers = Sequence[tuple[str, bytes]]

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_URI = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
"""Characters of a URI reference (RFC 3986). The source is stored unencrypted in the tables, so no other text is allowed
in it."""
_JSON = re.compile(rb"application/(?:[\w.+-]+\+)?json\b", re.IGNORECASE)
_STRUCTURED = b"application/cloudevents"


class EnvelopeError(ValueError):
    """A record that is not a readable CloudEvent. `code` gives the reason, without any content of the record."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Envelope:
    """One record's attributes and its data, not yet parsed as an event."""

    id: str
    source: str
    type: str
    time: datetime | None
    """None if the producer gave none; the attribute is optional."""
    traceparent: str | None
    """The trace in which the event was created, not that of a later hop."""
    tracestate: str | None
    """The trace state that belongs to it; None without a trace."""
    data: bytes


def new_id() -> str:
    """A UUIDv7: unique, and increasing with time, so that indexes of inbox and archive grow only at their end."""
    return str(uuid_utils.uuid7())


def schema_of(topic: str, type_: str) -> str:
    """The absolute URI that names the JSON Schema of an event type of a topic."""
    return f"urn:enlace:schema:{topic}:{type_}"


def valid_traceparent(text: str | None) -> str | None:
    """The text if it is a valid W3C trace context, otherwise None: an invalid one must not stop an event."""
    return text if text is not None and _TRACEPARENT.fullmatch(text) else None


def valid_tracestate(text: str | None) -> str | None:
    """The text if it is a valid W3C trace state, otherwise None."""
    return text if text and len(text) <= TRACESTATE_LENGTH_MAX and text.isascii() and text.isprintable() else None


def read(headers: Headers, value: bytes) -> Envelope:
    """The envelope of one record in binary or structured mode. `EnvelopeError` if it cannot be read."""
    found = dict(headers)
    if len(found) != len(headers):
        _refuse_repeated(headers)
    if _content(found.get("content-type")):
        return _structured(found, value, found["content-type"])
    if found.get("ce_specversion") != SPEC_VERSION:
        raise EnvelopeError("specversion-missing" if "ce_specversion" not in found else "specversion-unknown")
    trace, state = _trace_headers(found)
    return Envelope(
        _text(found.get("ce_id"), "id", ID_LENGTH_MAX),
        _source(found.get("ce_source")),
        _type(found.get("ce_type")),
        _time(found.get("ce_time")),
        trace,
        state,
        without_mark(value),
    )


# Attributes that have the same few values in thousands of records are decoded and checked once per value.


@lru_cache(maxsize=1024)
def _content(content_type: bytes | None) -> bool:
    """Whether the record is in structured mode. `EnvelopeError` if its data are not JSON."""
    if content_type is None:
        return False
    if content_type[: len(_STRUCTURED)].lower() == _STRUCTURED:
        return True
    if not _JSON.match(content_type):
        raise EnvelopeError("content-type-not-json")
    return False


@lru_cache(maxsize=1024)
def _source(value: bytes | None) -> str:
    return _as_uri(_text(value, "source", SOURCE_LENGTH_MAX))


@lru_cache(maxsize=1024)
def _type(value: bytes | None) -> str:
    return _text(value, "type", ID_LENGTH_MAX)


@lru_cache(maxsize=4096)
def _time(value: bytes | None) -> datetime | None:
    return None if value is None else _moment(_text(value, "time", 64))


@lru_cache(maxsize=4096)
def _trace(value: bytes) -> str | None:
    return valid_traceparent(value.decode("ascii", "replace"))


def _trace_headers(found: Mapping[str, bytes]) -> tuple[str | None, str | None]:
    for prefix in ("ce_", ""):
        if given := found.get(f"{prefix}traceparent"):
            trace, state = _trace(given), found.get(f"{prefix}tracestate")
            return trace, None if trace is None or state is None else valid_tracestate(state.decode("ascii", "replace"))
    return None, None


def _structured(found: dict[str, bytes], value: bytes, content_type: bytes) -> Envelope:
    if b"json" not in content_type.lower():
        raise EnvelopeError("structured-format-unknown")
    value = without_mark(value)
    if any(not _is_of_data(fault) for fault in faults_of(value)):
        raise EnvelopeError("structured-json-refused")
    try:
        attributes = json.loads(value)
    except (ValueError, RecursionError):
        raise EnvelopeError("structured-not-json") from None
    if not isinstance(attributes, dict):
        raise EnvelopeError("structured-not-an-object")
    given: dict[str, Any] = {name: item for name, item in attributes.items() if item is not None}
    if given.get("specversion") != SPEC_VERSION.decode():
        raise EnvelopeError("specversion-missing" if "specversion" not in given else "specversion-unknown")
    time = given.get("time")
    hop, state = given.get("traceparent"), given.get("tracestate")
    if isinstance(hop, str):
        trace = valid_traceparent(hop)
        tracestate = valid_tracestate(state) if trace is not None and isinstance(state, str) else None
    else:
        trace, tracestate = _trace_headers(found)
    return Envelope(
        id=_checked(given.get("id"), "id", ID_LENGTH_MAX),
        source=_as_uri(_checked(given.get("source"), "source", SOURCE_LENGTH_MAX)),
        type=_checked(given.get("type"), "type", ID_LENGTH_MAX),
        time=None if time is None else _moment(_checked(time, "time", 64)),
        traceparent=trace,
        tracestate=tracestate,
        data=_data_of(attributes, value.decode()),
    )


def _is_of_data(fault: Fault) -> bool:
    """Whether the fault is inside the data. The data are checked later, part by part, as in binary mode."""
    return fault.path[:1] == ["data"] and (len(fault.path) > 1 or fault.rule != "repeated-key")


def _data_of(attributes: dict[str, Any], text: str) -> bytes:
    if "data" in attributes and "data_base64" in attributes:
        raise EnvelopeError("data-twice")
    if "data_base64" in attributes:
        try:
            return without_mark(base64.b64decode(attributes["data_base64"], validate=True))
        except (TypeError, ValueError, binascii.Error):
            raise EnvelopeError("data-not-base64") from None
    data = member_of(text, "data")
    if data is None:
        raise EnvelopeError("data-missing")
    return data.encode()


def _text(value: bytes | None, name: str, length_max: int) -> str:
    if not value:
        raise EnvelopeError(f"{name}-missing")
    try:
        return _checked(value.decode(), name, length_max)
    except UnicodeDecodeError:
        raise EnvelopeError(f"{name}-not-utf-8") from None


def _as_uri(source: str) -> str:
    if not _URI.fullmatch(source):
        raise EnvelopeError("source-invalid")
    return source


def _checked(text: object, name: str, length_max: int) -> str:
    """The attribute as text that a table can store: control characters and lone surrogates are refused."""
    if text is None or text == "":
        raise EnvelopeError(f"{name}-missing")
    if not isinstance(text, str) or len(text) > length_max or not text.isprintable():
        raise EnvelopeError(f"{name}-invalid")
    return text


def _moment(text: str) -> datetime:
    if not is_moment(text):
        raise EnvelopeError("time-invalid")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (OverflowError, ValueError):
        raise EnvelopeError("time-invalid") from None


def _refuse_repeated(headers: Headers) -> None:
    """Refuse repeated attributes. Kafka allows repeated headers, but it cannot be known which of the values is
    meant."""
    names = [name for name, _ in headers if name.startswith("ce_") or name == "content-type"]
    if len(set(names)) != len(names):
        raise EnvelopeError("attribute-repeated")
