"""Where a request can carry words of or about a person: the text fields of an API document, and which of them a test
has marked.

A field counts if its schema accepts the mark. Codes, ids, dates and numbers do not: their form excludes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
OTHER_FORMS = frozenset({"uuid", "date", "date-time", "time", "uri", "binary"})


def resolved(schema: Schema, schemas: dict[str, Schema]) -> Schema:
    """The schema itself, if this one only names it."""
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    return schema


def variants(schema: Schema) -> list[Schema]:
    """The schemas of which a value fulfils one or all."""
    return [one for word in ("anyOf", "oneOf", "allOf") for one in schema.get(word, [])]


def takes(schema: Schema, mark: str) -> bool:
    """Whether a text of this schema can hold the mark."""
    if schema.get("type") != "string" or "enum" in schema or "const" in schema or schema.get("format") in OTHER_FORMS:
        return False
    return "pattern" not in schema or re.search(schema["pattern"], mark) is not None


def texts(schema: Schema, schemas: dict[str, Schema], *, mark: str, at: str = "") -> Iterator[str]:
    """Pointers to the texts of a schema; `*` stands for any place in a list and for any key."""
    schema = resolved(schema, schemas)
    if takes(schema, mark) or not schema.keys() - {"title", "description", "examples", "default"}:
        yield at  # what has no form at all takes the mark too
    for one in variants(schema):
        yield from texts(one, schemas, mark=mark, at=at + _kind(one, schemas))
    for name, inner in schema.get("properties", {}).items():
        yield from texts(inner, schemas, mark=mark, at=f"{at}/{name}")
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            yield from texts(schema[word], schemas, mark=mark, at=f"{at}/*")


def _kind(schema: Schema, schemas: dict[str, Schema]) -> str:
    """The value that tells variants apart, if there is one: `[register]`."""
    told = resolved(schema, schemas).get("properties", {}).get("kind", {})
    return f"[{told['const']}]" if "const" in told else ""


def marked(value: Any, *, mark: str, at: str = "") -> Iterator[str]:
    """Pointers to the texts of a body that hold the mark, in the same form."""
    if isinstance(value, str) and mark.lower() in value.lower():
        yield at
    if isinstance(value, list):
        for one in value:
            yield from marked(one, mark=mark, at=f"{at}/*{_told(one)}")
    if isinstance(value, dict):
        for name, one in value.items():
            yield from marked(one, mark=mark, at=f"{at}/{name}")


def _told(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, dict) and "made_at" in value else None
    return f"[{kind}]" if kind else ""


def with_free_dates(schema: Any) -> Any:
    """The same schemas, in which a date counts as a text: so a marked date finds the fields that take it."""
    return json.loads(json.dumps(schema).replace('"format": "date"', '"x-format": "date"'))


def texts_of_requests(document: dict[str, Any], *, mark: str) -> set[str]:
    """All texts that requests of this API can carry: `POST /v1/returnees /identity/given_names`."""
    schemas = document["components"]["schemas"]
    found = set()
    for path, operations in document["paths"].items():
        for method, told in operations.items():
            for media, content in told.get("requestBody", {}).get("content", {}).items():
                if media == "application/json":
                    found |= {f"{method.upper()} {path} {at}" for at in texts(content["schema"], schemas, mark=mark)}
                else:
                    found.add(f"{method.upper()} {path} {media}")
            for one in told.get("parameters", []):
                schema = resolved(one["schema"], schemas)
                if any(takes(resolved(it, schemas), mark) for it in [schema, *variants(schema)]):
                    found.add(f"{method.upper()} {path} {one['in']}:{one['name']}")
    return found
