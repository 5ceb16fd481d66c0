"""What a newer producer might write: fields and codes that this consumer has never heard of, anywhere in a message."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from libs.events.contracts.messages import Message
from libs.events.contracts.schemas import Schema

LETTERS = st.characters(codec="utf-8", exclude_characters="\0")
"""What a text may hold; NUL is refused by REST and by event alike."""

Place = tuple[int | str, ...]

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(LETTERS, max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(LETTERS, max_size=5), inner, max_size=2),
    max_leaves=4,
)


@dataclass(frozen=True, slots=True)
class Newer:
    """A message from a newer producer."""

    data: Any
    coded: dict[Place, list[str]]
    """Where a code stands that is not known here, with the codes that are."""


@st.composite
def newer(draw: st.DrawFn, message: Message, schema: Schema) -> Newer:
    """The message with unknown fields in some of its objects and unknown codes in some of its places for codes."""
    data = copy.deepcopy(message.data)
    objects = dict(_objects(data, schema, ()))
    codes = dict(_codes(data, schema, ()))
    coded = {place: codes[place] for place in sorted(codes, key=str) if draw(st.booleans())}
    for place, known in coded.items():
        unknown = draw(
            st.just("later_code") | st.text(LETTERS, max_size=10).filter(lambda text, known=known: text not in known)
        )
        _holder(data, place)[place[-1]] = unknown
    for place in sorted(objects, key=str):
        names = st.text(LETTERS, max_size=12).filter(lambda name, known=objects[place]: name not in known)
        found = data
        for step in place:
            found = found[step]
        found.update(draw(st.dictionaries(names, JSON_VALUES, min_size=draw(st.integers(0, 1)), max_size=2)))
    return Newer(data, coded)


def code_places(data: Any, schema: Schema) -> dict[Place, list[str]]:
    """Every place in `data` that holds a code, with the codes that are known there."""
    return dict(_codes(data, schema, ()))


def at(data: Any, place: Place) -> Any:
    """What stands at a place."""
    for step in place:
        data = data[step]
    return data


def _holder(data: Any, place: Place) -> Any:
    return at(data, place[:-1])


def _inside(data: Any, schema: Schema) -> Iterator[tuple[int | str, Any, Schema]]:
    if isinstance(data, dict):
        for name, value in data.items():
            if name in schema.get("properties", {}):
                yield name, value, schema["properties"][name]
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield index, value, schema["items"]


def _chosen(data: Any, schema: Schema) -> Schema:
    """Of the alternatives, the one that isn't null."""
    if "anyOf" in schema and data is not None:
        return next(one for one in schema["anyOf"] if one.get("type") != "null")
    return schema


def _objects(data: Any, schema: Schema, place: Place) -> Iterator[tuple[Place, set[str]]]:
    schema = _chosen(data, schema)
    if isinstance(data, dict):
        yield place, set(schema["properties"])
    for step, value, inner in _inside(data, schema):
        yield from _objects(value, inner, (*place, step))


def _codes(data: Any, schema: Schema, place: Place) -> Iterator[tuple[Place, list[str]]]:
    schema = _chosen(data, schema)
    if len(schema.get("enum", ())) > 1 and data is not None:  # one alone is a constant, which has no code of tomorrow
        yield place, schema["enum"]
    for step, value, inner in _inside(data, schema):
        yield from _codes(value, inner, (*place, step))
