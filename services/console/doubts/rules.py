"""How a part that was set aside is named and shown (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.console.labels import LABELS

_LONGEST: Final = 300


def field_code(pointer: str) -> str:
    """The code of the field in the table `doubt_field`: the pointer without numbers, or the nearest part around it."""
    code = "/".join(part for part in pointer.split("/") if not part.isdigit())
    while code and code not in LABELS["doubt_field"]:
        code = code.rpartition("/")[0]
    return code or pointer


def value_lines(value: Any) -> Sequence[tuple[str, str]]:
    """The value as it was received, in lines: the name that the sender gave to each part, and its value."""
    found: list[tuple[str, str]] = []
    _collect(value, "", found)
    return found


def _collect(value: Any, name: str, found: list[tuple[str, str]]) -> None:
    if isinstance(value, dict):
        for key, one in value.items():
            _collect(one, " ".join(filter(None, (name, str(key).replace("_", " ")))), found)
    elif isinstance(value, list):
        for one in value:
            _collect(one, name, found)
    else:
        found.append((name, "–" if value is None else str(value)[:_LONGEST]))
