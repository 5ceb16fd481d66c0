"""Requests as the API document of a service shows them: the example of a body, and the parameters that must be given.

A body without an example is made from its schema: the fields that must be given, each with its example, the first of
its values, or the shortest value of its form.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

JSON = "application/json"
CODES = {"category": "shelter", "place": "GT01", "timezone": "America/Guatemala", "url": "http://127.0.0.1:9/hooks"}
"""Values of fields whose schema says only that they are codes of the pack or addresses."""
OF_FORM = {
    "uuid": lambda: str(uuid4()),
    "date-time": lambda: (datetime.now(UTC) + timedelta(days=1)).isoformat(),
    "date": lambda: (datetime.now(UTC) + timedelta(days=1)).date().isoformat(),
}
OF_TYPE = {"integer": 1, "number": 1, "boolean": True, "null": None}


@dataclass(frozen=True, slots=True)
class Documented:
    """What an operation is sent, by its documentation."""

    media: str = ""
    """Empty if the operation takes no body."""
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)


def documented(document: dict[str, Any], method: str, path: str) -> Documented:
    """The documented request of one operation; of a body that can be JSON the JSON."""
    told = document["paths"][path][method.lower()]
    content = told.get("requestBody", {}).get("content", {})
    media = JSON if JSON in content else next(iter(content), "")
    schemas = document["components"]["schemas"]
    body = example_of(content[media], schemas) if media else None
    asked = [one for one in told.get("parameters", []) if one["in"] == "query" and one.get("required")]
    query = {one["name"]: str(made_of(one["schema"] | one, schemas, name=one["name"])) for one in asked}
    return Documented(media, body, query)


def example_of(media: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """The example of a body: its own, the first of several, or that of its schema."""
    if "example" in media:
        return media["example"]
    if media.get("examples"):
        return next(iter(media["examples"].values()))["value"]
    return made_of(media["schema"], schemas)


def made_of(schema: dict[str, Any], schemas: dict[str, Any], *, name: str = "") -> Any:
    """A value of this schema."""
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    for known in ("example", "const", "default"):
        if known in schema:
            return schema[known]
    for known in ("examples", "enum"):
        if schema.get(known):
            return schema[known][0]
    if name in CODES:
        return CODES[name]
    for known in ("allOf", "oneOf", "anyOf"):
        if known in schema:
            return made_of(schema[known][0], schemas, name=name)
    if schema.get("format") in OF_FORM:
        return OF_FORM[schema["format"]]()
    return _of_type(schema, schemas, name=name)


def _of_type(schema: dict[str, Any], schemas: dict[str, Any], *, name: str) -> Any:
    kind = schema.get("type", "object")
    if kind == "object":
        asked = schema.get("required", [])
        return {one: made_of(schema["properties"][one], schemas, name=one) for one in asked}
    if kind == "array":
        return [made_of(schema["items"], schemas, name=name) for _ in range(schema.get("minItems", 0))]
    if kind == "string":
        return "x" * max(int(schema.get("minLength", 1)), 1)
    return OF_TYPE[kind]
