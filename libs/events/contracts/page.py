"""The catalogue as a page for people: topics, events with their fields and an example, codes."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from libs.events.contracts.messages import USUAL, Message
from libs.events.contracts.parties import PLANNED, Party, hearers_of, senders_of
from libs.events.contracts.schemas import Schema
from libs.events.event import Event
from libs.events.topics import DAY_MS, Topic

_KINDS = {"date-time": "time, RFC 3339", "date": "day, ISO 8601", "uuid": "UUID"}
_WORDS = {"integer": "whole number", "boolean": "true or false", "string": "text", "null": "null"}


def page(
    head: str,
    *,
    topics: Mapping[str, Topic],
    schemas: Mapping[type[Event], Schema],
    messages: Sequence[Message],
    parties: Sequence[Party],
) -> str:
    """The page in Markdown, which begins with `head`."""
    blocks = [head, "## Topics", "\n".join(_topic_table(topics, schemas, parties))]
    for topic in topics.values():
        events = {event: schema for event, schema in schemas.items() if event.topic == topic.name}
        blocks += [f"## {topic.name}", _topic_line(topic, events)]
        for event, schema in events.items():
            blocks += _event_blocks(event, schema, messages, parties)
    blocks += ["## Codes", *_codes(schemas.values())]
    return "\n\n".join(blocks) + "\n"


def anchor(heading: str) -> str:
    """The anchor of a heading for links, in the form that GitHub creates."""
    return "".join(letter for letter in heading.lower() if letter.isalnum() or letter in "-_ ").replace(" ", "-")


def _topic_table(
    topics: Mapping[str, Topic], schemas: Mapping[type[Event], Schema], parties: Sequence[Party]
) -> Iterator[str]:
    yield "| topic | kept | sent by | consumed by |"
    yield "|---|---|---|---|"
    for topic in topics.values():
        events = [event for event in schemas if event.topic == topic.name]
        senders = _each_once(name for event in events for name in senders_of(parties, event))
        hearers = _each_once(name for event in events for name in hearers_of(parties, event))
        link = f"[`{topic.name}`](#{anchor(topic.name)})"
        yield f"| {link} | {_kept(topic)} | {', '.join(senders)} | {', '.join(hearers) or 'nobody yet'} |"


def _kept(topic: Topic) -> str:
    if topic.compacted:
        return "the newest event of each key, without a time limit"
    return f"{topic.retention_ms // DAY_MS} days"


def _topic_line(topic: Topic, events: Mapping[type[Event], Schema]) -> str:
    keys = _each_once(f"`{event.key_field}`" for event in events)
    said = f"{topic.partitions} partitions. Key: {', '.join(keys)}. Kept: {_kept(topic)}."
    if topic.compacted:
        said += " Each event is the complete state. Its `version` rises; a version lower than the known one is ignored."
    if topic.personal:
        said += " The only topic that may contain identity data: it has separate access rights and encrypted transport."
    return said


def _event_blocks(
    event: type[Event], schema: Schema, messages: Sequence[Message], parties: Sequence[Party]
) -> Iterator[str]:
    yield f"### {event.type}"
    hearers = hearers_of(parties, event)
    told = f"Consumed by {', '.join(hearers)}." if hearers else "Consumed by none of our services."
    planned = f"**{PLANNED}** " if event.planned else ""
    path = f"contracts/schemas/{event.topic}/{event.type}.json"
    yield f"{planned}{schema['description']} Key: `{event.key_field}`. {told} [Schema]({path})."
    rows = [f"| `{name}` | {kind} | {text} |" for name, kind, text in _rows(schema, schema.get("definitions", {}))]
    yield "\n".join(["| field | type | |", "|---|---|---|", *rows])
    usual = (*_named(event), USUAL)
    example = next((one for one in messages if (one.topic, one.type, one.form) == usual), None)
    if example is None:
        raise LookupError(f"no golden message {'/'.join(usual)}: every published type has one")
    yield f"```json\n{json.dumps(example.data, indent=2, ensure_ascii=False)}\n```"


def _named(event: type[Event]) -> tuple[str, str]:
    return event.topic, event.type


def _rows(schema: Schema, definitions: Mapping[str, Schema], above: str = "") -> Iterator[tuple[str, str, str]]:
    """Name, kind and meaning of every field. The fields of a part follow the part."""
    required = set(schema.get("required", []))
    for name, field in schema["properties"].items():
        kind, part, many = _kind(field, definitions)
        optional = "" if name in required else f"; optional, else {_default(field)}"
        text = field.get("description") or (definitions[part]["description"] if part else "")
        yield f"{above}{name}", kind + optional, text.replace("|", "\\|")
        if part and "properties" in definitions[part]:
            yield from _rows(definitions[part], definitions, f"{above}{name}{'[]' if many else ''}.")


def _default(field: Schema) -> str:
    default = field.get("default")
    return "none" if default is None else "empty" if default == [] else f"`{json.dumps(default)}`"


def _kind(field: Schema, definitions: Mapping[str, Schema]) -> tuple[str, str | None, bool]:
    """The kind in words, the name of its part or code, if it has one, and whether it is a list."""
    if "anyOf" in field:
        kinds = [_kind(one, definitions) for one in field["anyOf"]]
        parts = [part for _, part, _ in kinds if part]
        return " or ".join(kind for kind, _, _ in kinds), parts[0] if parts else None, kinds[0][2]
    if "items" in field:
        kind, part, _ = _kind(field["items"], definitions)
        return f"list of {kind}", part, True
    reference = field.get("$ref") or next((one["$ref"] for one in field.get("allOf", [])), None)
    if reference is not None:
        name = reference.removeprefix("#/definitions/")
        return (f"[{name}](#{anchor(name)})" if "enum" in definitions[name] else "object"), name, False
    return _word(field), None, False


def _word(field: Schema) -> str:
    word = _KINDS.get(field.get("format", "")) or _WORDS[field["type"]]
    if "pattern" in field:
        word += f" `{field['pattern']}`".replace("|", "\\|")
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None and high is not None:
        word += f" from {low} to {high}"
    if "maxLength" in field:
        word += f" of at most {field['maxLength']} characters"
    return word


def _codes(schemas: Iterable[Schema]) -> Iterator[str]:
    enums: dict[str, Any] = {
        name: definition
        for schema in schemas
        for name, definition in schema.get("definitions", {}).items()
        if "enum" in definition
    }
    for name in sorted(enums):
        yield f"### {name}"
        yield enums[name]["description"]
        yield ", ".join(f"`{code}`" for code in enums[name]["enum"])


def _each_once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
