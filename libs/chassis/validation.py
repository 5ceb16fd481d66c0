"""Converts errors of pydantic to fields and rules, without the values (pure)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from libs.chassis.errors import FieldError

_LONGEST_POINTER = 200
_LONGEST_NAME = 60
"""The maximum length of a name in a pointer. Our names are shorter; a longer name of a caller is shortened."""
_PLAIN = {
    "json_invalid": "The body isn't valid JSON",
    "uuid_parsing": "Input should be a valid UUID",
    "url_parsing": "Input should be a valid URL",
    "union_tag_invalid": "The tag isn't one of those expected",
    "timezone_offset": "The time zone isn't the one expected",
}
"""Rules whose messages quote the input."""
_WORD = re.compile(r"\w{3,}")


def field_errors(findings: Sequence[Any], body: Any) -> list[FieldError]:
    """One entry per error. `body` is the parsed body, if any, to distinguish keys of the input from names of models."""
    return [FieldError(_pointer(finding, body), _rule(finding["type"]), _detail(finding)) for finding in findings]


def json_pointer(path: Sequence[str | int]) -> str:
    """RFC 6901: `/` before each part; `~` and `/` inside a part are escaped. Very long pointers are shortened."""
    parts = (shortened(str(part)).replace("~", "~0").replace("/", "~1") for part in path)
    pointer = "".join(f"/{part}" for part in parts)
    return pointer if len(pointer) <= _LONGEST_POINTER else pointer[:_LONGEST_POINTER] + "…"


def shortened(name: str) -> str:
    """A name as sent, or its beginning if it is longer than our names."""
    return name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"


def _pointer(finding: Mapping[str, Any], body: Any) -> str:
    origin, *path = finding["loc"]
    if origin == "header" and path:
        return "-".join(word.capitalize() for word in str(path[0]).split("-"))
    if origin != "body":
        return shortened(str(path[0])) if path else str(origin)
    if len(path) == 1 and isinstance(path[0], int) and not isinstance(body, list):
        return ""  # the character at which the JSON parser stopped, which is not a field
    return json_pointer(_real_path(path, body, lacking=finding["type"] == "missing"))


def _real_path(path: Sequence[str | int], body: Any, *, lacking: bool) -> list[str | int]:
    """`path` without the names of union members that pydantic adds between and after the keys.

    If `lacking` is true, the last part is the missing field, which is a key although it is not in the body.
    """
    real: list[str | int] = []
    here = body
    for place, part in enumerate(path):
        if _leads_on(here, part):
            here = here[part]
        elif place < len(path) - 1 or not lacking:
            continue
        real.append(part)
    return real


def _leads_on(here: Any, part: str | int) -> bool:
    if isinstance(here, Mapping):
        return part in here
    return isinstance(here, list) and isinstance(part, int) and part < len(here)


def _rule(kind: str) -> str:
    return kind.replace("_", "-")


def _detail(finding: Mapping[str, Any]) -> str:
    kind = str(finding["type"])
    message = _PLAIN.get(kind) or str(finding["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    value = finding.get("input")
    ours = kind in {
        "value_error",
        "assertion_error",
    }  # messages of our own validators, which can quote any part of the input
    if kind not in _PLAIN and (
        _quotes(message, value) or (ours and isinstance(value, str) and value.strip() and value in message)
    ):
        return f"The value breaks the rule {_rule(kind)}"
    return message[:300]


def _quotes(message: str, value: Any) -> bool:
    """Whether `message` repeats a word of `value`, such as a name in a custom message."""
    if not isinstance(value, str):
        return False
    said = {word.lower() for word in _WORD.findall(message)}
    return any(word.lower() in said for word in _WORD.findall(value[:10_000]))
