"""What a field looks like that could say who a person is, told from a model's JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from libs.events.contracts.schemas import Schema

_WORDS = """
    name names surname surnames nickname alias title maiden mother father
    phone phones telephone mobile cell msisdn whatsapp fax email mail contact contacts handle username login
    birth birthday birthdate born dob
    address addresses street house flat door postcode postal zip city town village neighbourhood
    latitude longitude lat lon lng gps coordinates geolocation
    passport licence dpi cui dni curp ssn nif nin tin serial
    photo picture image portrait face fingerprint biometric biometrics signature voice iris
    note notes text texts comment comments remark remarks description narrative story statement message
    summary details observation observations explanation
    diagnosis disease illness medication pregnancy religion ethnicity orientation salary
"""
WORDS = frozenset(_WORDS.split())
"""Words of which a field's name must have none. Ids, codes and coarse areas have no need of them."""
PHRASES = ("document_number", "identity_number", "card_number", "account_number", "date_of", "full_", "free_text")
"""Parts of names that are harmless one by one."""
PERSONAL = (
    "Ana María",
    "José Peña López",
    "Muestra, Otra",
    "+50499990000",
    "9999-0000",
    "50499990000",
    "0801199000001",
    "0801-1990-00001",
    "A0123456789",
    "1990-05-17",
    "17/05/1990",
    "ana.muestra@example.org",
    "4a Calle 12-34, Zona 1",
    "14.6349,-90.5069",
    "She was hurt on the way.",
)
"""What no text of an event may be able to hold. All invented."""
LONGEST_TEXT = 80


def personal_fields(schema: Schema) -> dict[str, str]:
    """Every field of `schema`, which has no references, that could hold personal data, with the reason."""
    return dict(_found(schema, ""))


def _found(schema: Schema, place: str) -> Iterator[tuple[str, str]]:
    for name, field in schema.get("properties", {}).items():
        inner = f"{place}.{name}" if place else name
        if (why := _named(name)) is not None:
            yield inner, why
        yield from _value(field, inner)


def _value(field: Schema, place: str) -> Iterator[tuple[str, str]]:
    if "anyOf" in field:
        for one in field["anyOf"]:
            yield from _value(one, place)
    elif "properties" in field:
        yield from _found(field, place)
        if field.get("additionalProperties") is not False:
            yield place, "may hold fields that nobody has named"
    elif field.get("type") == "array":
        yield from _value(field.get("items", {}), f"{place}[]")
    elif (why := _typed(field)) is not None:
        yield place, why


def _named(name: str) -> str | None:
    words = set(re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()))
    if found := words & WORDS:
        return f"its name says {', '.join(sorted(found))}"
    return next((f"its name says {phrase}" for phrase in PHRASES if phrase in name.lower()), None)


def _typed(field: dict[str, Any]) -> str | None:
    kind = field.get("type")
    if kind in ("boolean", "null") or "enum" in field:
        return None
    if kind == "integer":
        bounded = "maximum" in field and "minimum" in field
        return None if bounded else "a number without bounds could be a telephone's"
    if kind != "string":
        return f"a {kind or 'value of any kind'} can say anything"
    if field.get("format") in ("uuid", "date", "date-time"):
        return None
    if "pattern" not in field:
        return "a text without a pattern can say anything"
    return _pattern_fault(field["pattern"], field.get("maxLength"))


def _pattern_fault(pattern: str, longest: int | None) -> str | None:
    if not (pattern.startswith("^") and pattern.endswith("$")):
        return "its pattern has no ends"
    for text in PERSONAL:
        if re.search(pattern, text) and (longest is None or len(text) <= longest):
            return f"its pattern lets {text!r} through"
    if longest is None and (re.search(r"(?<!\\)[*+]|,\}", re.sub(r"\[[^]]*\]", "x", pattern))):
        return "its pattern has no end to its length"
    return None if longest is None or longest <= LONGEST_TEXT else "it is longer than a code"
