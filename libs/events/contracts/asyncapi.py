"""One AsyncAPI 3.0 document for the whole bus: topics as channels, events as messages, and what each party sends and
receives.

It describes the network from outside, so an operation is named after the party that sends or receives.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from libs.events.contracts.messages import Message
from libs.events.contracts.parties import PLANNED, Party
from libs.events.contracts.schemas import Schema
from libs.events.event import Event
from libs.events.messages.envelope import schema_of
from libs.events.topics import Topic

VERSION = "3.0.0"
BINDING = "0.5.0"
TRAIT = "cloudEvent"
_TRACE = "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"

Document = dict[str, Any]


def document(
    info: Mapping[str, str],
    *,
    topics: Mapping[str, Topic],
    schemas: Mapping[type[Event], Schema],
    messages: Sequence[Message],
    parties: Sequence[Party],
) -> Document:
    """The document as plain data. `messages` are examples; only those in binary mode are shown."""
    events = list(schemas)
    return {
        "asyncapi": VERSION,
        "info": dict(info),
        "defaultContentType": "application/json",
        "channels": {
            name: _channel(topic, [event for event in events if event.topic == name]) for name, topic in topics.items()
        },
        "operations": dict(_operations(parties, topics)),
        "components": {
            "messageTraits": {TRAIT: _trait()},
            "messages": {_name(event): _message(event, schema, messages) for event, schema in schemas.items()},
            "schemas": _schemas(schemas),
        },
    }


def _name(event: type[Event]) -> str:
    """Topic and type together, because a type is unique only within its topic."""
    return f"{event.topic}.{event.type}"


def _channel(topic: Topic, events: Iterable[type[Event]]) -> Document:
    configuration: Document = {"cleanup.policy": [topic.settings["cleanup.policy"]]}
    if not topic.compacted:
        configuration["retention.ms"] = topic.retention_ms
    return {
        "address": topic.name,
        "messages": {event.type: {"$ref": f"#/components/messages/{_name(event)}"} for event in events},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": configuration,
                "bindingVersion": BINDING,
            }
        },
    }


def _operations(parties: Sequence[Party], topics: Mapping[str, Topic]) -> Iterable[tuple[str, Document]]:
    for party in parties:
        for action, events in (("send", party.sends), ("receive", party.hears)):
            for topic in topics:
                types = sorted(event.type for event in events if event.topic == topic)
                if types:
                    yield f"{party.name}.{action}.{topic}", _operation(party, action, topic, types)


def _operation(party: Party, action: str, topic: str, types: Sequence[str]) -> Document:
    operation: Document = {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic}"},
        "tags": [{"name": party.name}],
        "messages": [{"$ref": f"#/channels/{topic}/messages/{type_}"} for type_ in types],
    }
    if action == "receive" and party.group is not None:
        group = {"type": "string", "enum": [party.group]}
        operation["bindings"] = {"kafka": {"groupId": group, "bindingVersion": BINDING}}
    return operation


def _message(event: type[Event], schema: Schema, messages: Sequence[Message]) -> Document:
    name = schema_of(event.topic, event.type)
    headers = {"ce_type": {"type": "string", "const": event.type}, "ce_dataschema": {"type": "string", "const": name}}
    key = schema["properties"][event.key_field]
    return {
        "name": event.type,
        "title": event.__name__,
        "summary": f"{PLANNED} {schema['description']}" if event.planned else schema["description"],
        "contentType": "application/json",
        "traits": [{"$ref": f"#/components/messageTraits/{TRAIT}"}],
        "headers": {"type": "object", "properties": headers},
        "payload": {"$ref": f"#/components/schemas/{_name(event)}"},
        "bindings": {"kafka": {"key": {**key, "description": f"`{event.key_field}`"}, "bindingVersion": BINDING}},
        "examples": [
            {"name": message.form, "headers": message.headers, "payload": message.value}
            for message in messages
            if (message.topic, message.type) == (event.topic, event.type) and not message.is_structured
        ],
    }


def _schemas(schemas: Mapping[type[Event], Schema]) -> Document:
    """The schema of every event, and the definitions that they share, each once."""
    shared: Document = {}
    events: Document = {}
    for event, schema in schemas.items():
        for name, definition in schema.get("definitions", {}).items():
            if shared.setdefault(name, _hoisted(definition)) != _hoisted(definition):
                raise ValueError(f"two things are called {name}")
        dropped = ("$schema", "$id", "definitions")
        events[_name(event)] = _hoisted({word: value for word, value in schema.items() if word not in dropped})
    return {**events, **{name: shared[name] for name in sorted(shared)}}


def _hoisted(schema: Any) -> Any:
    """The schema with references to the place where the document has the shared definitions."""
    if isinstance(schema, list):
        return [_hoisted(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        word: value.replace("#/definitions/", "#/components/schemas/") if word == "$ref" else _hoisted(value)
        for word, value in schema.items()
    }


def _trait() -> Document:
    """CloudEvents 1.0 on Kafka in binary mode: one header for each attribute."""
    text = {"type": "string", "minLength": 1}
    trace = {"type": "string", "pattern": _TRACE}
    return {
        "headers": {
            "type": "object",
            "required": ["ce_id", "ce_source", "ce_specversion", "ce_type"],
            "properties": {
                "ce_specversion": {"type": "string", "enum": ["1.0"]},
                "ce_id": {**text, "description": "Unique together with `ce_source`; a repetition has the same id."},
                "ce_source": {**text, "format": "uri-reference", "description": "Who published the event."},
                "ce_type": {**text, "description": "The type of the event; it ends in its major version."},
                "ce_time": {"type": "string", "format": "date-time", "description": "When it was published."},
                "ce_dataschema": {"type": "string", "format": "uri", "description": "Names the schema of the value."},
                "content-type": {"type": "string", "description": "JSON."},
                "ce_signature": {**text, "description": "Ed25519, in base64url; required on our topics."},
                "ce_signaturekey": {**text, "description": "The thumbprint (RFC 7638) of the key that signed."},
                "ce_signaturepath": {
                    **text,
                    "description": "If events share a signature: the place of this one in their hash tree (RFC 9162).",
                },
                "ce_traceparent": {**trace, "description": "W3C trace of the moment the event was created."},
                "ce_tracestate": {"type": "string", "description": "W3C trace state of that moment."},
                "traceparent": {**trace, "description": "As `ce_traceparent`, for tools that know only this name."},
                "tracestate": {"type": "string", "description": "As `ce_tracestate`."},
            },
        }
    }
