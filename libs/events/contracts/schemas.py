"""The JSON Schema of an event type. It is closed, as producers must keep it, and uses draft-07, which every tool can
read.

Properties for which JSON Schema has no keyword are added as `x-` members, because they must not change either: topic,
key, cleanup policy and number of partitions.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from libs.events.contracts.meanings import meanings_of, parts_of
from libs.events.event import Event
from libs.events.messages.envelope import schema_of
from libs.events.topics import Topic

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"
_ORDER = ("title", "description", "type", "properties", "required", "additionalProperties")


def event_schema(model: type[Event], topic: Topic) -> Schema:
    """The schema that `dataschema` names; its `$id` is that name."""
    made = model.model_json_schema(ref_template="#/definitions/{model}", mode="serialization")
    definitions: dict[str, Schema] = made.pop("$defs", {})
    parts = parts_of(model)
    for name, definition in definitions.items():
        definitions[name] = _described(definition, parts.get(name))
    body = _described(made, model)
    schema: Schema = {
        "$schema": DRAFT,
        "$id": schema_of(model.topic, model.type),
        "x-topic": model.topic,
        "x-type": model.type,
        "x-key": model.key_field,
        "x-cleanup-policy": topic.settings["cleanup.policy"],
        "x-partitions": topic.partitions,
        **{name: body[name] for name in _ORDER if name in body},
    }
    if definitions:
        schema["definitions"] = {name: definitions[name] for name in sorted(definitions)}
    return schema


def inlined(schema: Schema) -> Schema:
    """The same schema without references."""
    definitions: Mapping[str, Schema] = schema.get("definitions", {})
    found = _inlined({name: value for name, value in schema.items() if name != "definitions"}, definitions, ())
    assert isinstance(found, dict)
    return found


def _described(schema: Schema, model: type[BaseModel] | None) -> Schema:
    """The schema with the meaning of each field, and without the titles, which only repeat the names."""
    found: Schema = _enums_plain(schema)
    if "description" in found:
        found["description"] = " ".join(found["description"].split())
    texts = {} if model is None else meanings_of(model)
    if "properties" in found:
        found["properties"] = {name: _property(field, texts.get(name)) for name, field in found["properties"].items()}
    return found


def _property(field: Schema, text: str | None) -> Schema:
    found = {name: value for name, value in field.items() if name != "title"}
    if text is not None:
        found = {"description": text, **found}
    reference = found.pop("$ref", None)
    if reference is None:
        return found
    # Draft-07 ignores everything beside a reference.
    return {**found, "allOf": [{"$ref": reference}]} if found else {"$ref": reference}


def _enums_plain(schema: Any) -> Any:
    """The schema with each `const` as an enum of one code, so that codes can be added. Pydantic writes a literal of one
    code as `const`."""
    if isinstance(schema, list):
        return [_enums_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _enums_plain(value) for name, value in schema.items()}
    if isinstance(found.get("const"), str):
        found["enum"] = [found.pop("const")]
    return found


def _inlined(schema: Any, definitions: Mapping[str, Schema], above: tuple[str, ...]) -> Any:
    if isinstance(schema, list):
        return [_inlined(item, definitions, above) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/definitions/")
        if name in above:
            raise ValueError(f"{name} holds itself: no event does")
        return _inlined(definitions[name], definitions, (*above, name))
    found = {name: _inlined(value, definitions, above) for name, value in schema.items()}
    if len(found.get("allOf", ())) == 1:
        (only,) = found.pop("allOf")
        found = only | found
    return found
