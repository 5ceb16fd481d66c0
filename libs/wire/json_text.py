"""JSON from outside: the same rules for REST and for events.

RFC 8259 does not define what a reader does with a byte order mark, a field that occurs twice, or a very large number.
If two readers differ, one person can become two. Here a byte order mark is ignored, because spreadsheets and editors of
Windows write it; input that is ambiguous or cannot be stored is refused with its place.
"""

import codecs
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DEEPEST = 64
NAMES_MAX = 500
"""Maximum number of names in one object. Our requests and events have some dozens."""
ALL_NAMES_MAX = 60_000
"""Maximum number of names in all objects of a text. A manifest of 1,000 people has about ten thousand. Each unknown
field becomes a fault: 150,000 of them took half a second and 200 MB."""
_LARGEST_INTEGER = 2**63
_SUSPICIOUS = re.compile(rb"\\u0000|\\u[dD][89a-fA-F]|NaN|Infinity|[0-9]{18,}|[eE]\+?[0-9]{3,}")
"""A text without any of these bytes cannot break a rule on values below; most texts need no further check."""

Path = list[str | int]


_SPACE = re.compile(r"[ \t\n\r,]*")
_COLON = re.compile(r"[ \t\n\r]*:[ \t\n\r]*")


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: its place, the rule (kebab-case), and the reason in words without the value."""

    path: Path
    rule: str
    detail: str


def without_mark(text: bytes) -> bytes:
    """The text without a byte order mark of UTF-8 at its beginning."""
    return text.removeprefix(codecs.BOM_UTF8)


def faults_of(text: bytes) -> list[Fault]:
    """The faults of a JSON text without mark; none if it is not JSON, because the reader of its fields reports that."""
    if b"\0" in text or not _is_utf8(text):
        return [Fault([], "json-invalid", "JSON is UTF-8")]
    reading = _Reading()
    try:
        value = json.loads(
            text, object_pairs_hook=reading.object_of, parse_int=_integer, parse_constant=lambda _: math.nan
        )
    except RecursionError:
        return [Fault([], "too-deep", f"At most {DEEPEST} levels")]
    except ValueError:
        return []
    if reading.too_many:
        return [Fault([], "too-many-names", f"At most {NAMES_MAX} in an object, {ALL_NAMES_MAX} in all")]
    if reading.repeats or _SUSPICIOUS.search(text) or text.count(b"[") + text.count(b"{") > DEEPEST:
        return list(_faults(value, []))[:100]
    return []


def member_of(text: str, name: str) -> str | None:
    """The unchanged text of one member of the object in a valid JSON text; None if it does not have it."""
    decoder, place = json.JSONDecoder(), text.index("{") + 1
    while (place := _SPACE.match(text, place).end()) < len(text) and text[place] == '"':  # type: ignore[union-attr]
        key, place = decoder.raw_decode(text, place)
        place = _COLON.match(text, place).end()  # type: ignore[union-attr]
        _, end = decoder.raw_decode(text, place)
        if key == name:
            return text[place:end]
        place = end
    return None


class _Reading:
    """Reads objects, and notes whether one of them has a name twice and whether they have too many names."""

    repeats = False
    too_many = False
    names = 0

    def object_of(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self.names += len(pairs)
        if len(pairs) > NAMES_MAX or self.names > ALL_NAMES_MAX:
            self.too_many = True
            return {}
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        self.repeats = True
        return _Ambiguous(found, counts=Counter(name for name, _ in pairs))


class _Ambiguous(dict[str, Any]):
    """Marks an object with a repeated name in the parsed text."""

    def __init__(self, found: dict[str, Any], *, counts: Counter[str]) -> None:
        super().__init__(found)
        self.repeated = {name for name, count in counts.items() if count > 1}


class _Unstorable(int):
    """Marks a number that cannot be stored in the parsed text."""


_TOO_LARGE = _Unstorable(0)


def _integer(digits: str) -> int:
    # The length is checked first, because Python refuses to read a number with too many digits.
    return int(digits) if len(digits) <= 20 and -_LARGEST_INTEGER <= int(digits) < _LARGEST_INTEGER else _TOO_LARGE


def _faults(value: Any, path: Path) -> Iterator[Fault]:
    if len(path) > DEEPEST:
        yield Fault(path[:DEEPEST], "too-deep", f"At most {DEEPEST} levels")
    elif isinstance(value, str):
        yield from _text_faults(value, path)
    elif isinstance(value, _Unstorable) or (isinstance(value, float) and not math.isfinite(value)):
        yield Fault(path, "number-out-of-range", "The number is too large, or isn't one")
    elif isinstance(value, dict):
        yield from _object_faults(value, path)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _faults(item, [*path, place])


def _object_faults(value: dict[str, Any], path: Path) -> Iterator[Fault]:
    repeated = value.repeated if isinstance(value, _Ambiguous) else set()
    for name, item in value.items():
        if any(True for _ in _text_faults(name, path)):
            yield Fault(path, "unstorable-key", "A field name contains a character that cannot be stored")
        elif name in repeated:
            yield Fault(
                [*path, name], "repeated-key", "The object contains this field twice, so its value is ambiguous"
            )
        else:
            yield from _faults(item, [*path, name])


def _text_faults(text: str, path: Path) -> Iterator[Fault]:
    if "\0" in text:
        yield Fault(path, "nul-character", "Text must not contain a NUL character")
    elif any("\ud800" <= character <= "\udfff" for character in text):
        yield Fault(path, "lone-surrogate", "Text must not contain half of a surrogate pair")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
