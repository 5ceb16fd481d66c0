"""What may change in a published event type: an additional optional field, an additional code, or other wording.
Nothing else.

A list of codes may also become a code of the country pack, if all of them have its form: then there are as many
additional codes as the pack has (decision 0080).

For a while the producers and consumers of a type have different versions, in both directions. A new consumer must read
the events of an old producer, so nothing may become stricter. An old consumer must read the events of a new producer.
It ignores unknown fields and can process an unknown code (`libs.events.messages.opening`), but it checks the limits of
its own version, so nothing else may become less strict. Every other change needs a new type, which is published in
addition to the old one (DESIGN 3).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import StringConstraints, TypeAdapter, ValidationError

from libs.events.codes import PACK_CODE
from libs.events.contracts.schemas import Schema, inlined

_PACK_CODES = TypeAdapter(list[Annotated[str, StringConstraints(pattern=PACK_CODE)]])

_WORDING = frozenset({"title", "description", "examples", "$schema", "$comment"})
_LISTS = frozenset({"enum", "required"})
_INSIDE = frozenset({"properties", "items", "anyOf", *_LISTS})


@dataclass(frozen=True, slots=True)
class Break:
    """One change that would break a producer or a consumer of another version."""

    place: str
    """The field, such as `eligibility.sexes[]`; empty for the type as a whole."""
    why: str

    def __str__(self) -> str:
        return f"{self.place}: {self.why}" if self.place else self.why


def breaks_between(published: Schema, current: Schema) -> list[Break]:
    """Every change from `published` to `current` that is not allowed; an empty list if all are."""
    return list(_breaks(inlined(published), inlined(current), ""))


def _breaks(old: Schema, new: Schema, place: str) -> Iterator[Break]:
    if _opens_the_codes(old, new):
        old = {**old, "pattern": new["pattern"]}
        del old["enum"]
    for word in sorted((old.keys() | new.keys()) - _WORDING - _INSIDE):
        if old.get(word) != new.get(word):
            yield Break(place, _changed(word, old.get(word), new.get(word)))
    yield from _codes(old, new, place)
    yield from _fields(old, new, place)
    if ("items" in old) != ("items" in new):
        yield Break(place, "is a list in one of the two only")
    elif "items" in old:
        yield from _breaks(old["items"], new["items"], f"{place}[]")
    before, after = old.get("anyOf", []), new.get("anyOf", [])
    if len(before) != len(after):
        yield Break(place, "has other kinds of value than before, such as null")
        return
    for one, other in zip(before, after, strict=True):
        yield from _breaks(one, other, place)


def _opens_the_codes(old: Schema, new: Schema) -> bool:
    """True if a list of codes has become a code of the country pack, and each of them has the form of such a code."""
    if "enum" not in old or "enum" in new or new.get("pattern") != PACK_CODE:
        return False
    try:
        _PACK_CODES.validate_python(old["enum"], strict=True)
    except ValidationError:
        return False
    return True


def _codes(old: Schema, new: Schema, place: str) -> Iterator[Break]:
    if ("enum" in old) != ("enum" in new):
        yield Break(place, "is a code in one of the two only")
    for code in old.get("enum", []):
        if "enum" in new and code not in new["enum"]:
            yield Break(place, f"code {code!r} was removed")


def _fields(old: Schema, new: Schema, place: str) -> Iterator[Break]:
    before: dict[str, Schema] = old.get("properties", {})
    after: dict[str, Schema] = new.get("properties", {})
    asked, asks = set(old.get("required", [])), set(new.get("required", []))
    for name, field in before.items():
        inner = f"{place}.{name}" if place else name
        if name not in after:
            yield Break(inner, "the field was removed")
            continue
        if (name in asked) != (name in asks):
            yield Break(inner, "is required now" if name in asks else "is no longer required")
        yield from _breaks(field, after[name], inner)
    for name in after:
        if name not in before and name in asks:
            yield Break(f"{place}.{name}" if place else name, "a required field was added")


def _changed(word: str, old: Any, new: Any) -> str:
    said = word.removeprefix("x-")
    if old is None:
        return f"{said} {new!r} was added"
    if new is None:
        return f"{said} {old!r} was removed"
    return f"{said} was {old!r} and is {new!r}"
