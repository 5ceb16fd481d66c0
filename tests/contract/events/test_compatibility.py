"""What may change in a published type, change by change: the pure rule, on a small type that has all there is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model

from libs.events.codes import PACK_CODE
from libs.events.contracts.compatibility import breaks_between
from libs.events.contracts.schemas import Schema, event_schema
from libs.events.event import Event
from libs.events.topics import Topic

Change = Callable[[Schema], object]


class Colour(StrEnum):
    """A code."""

    RED = "red"
    GREEN = "green"


class Part(BaseModel):
    """A part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    colour: Colour
    share: Annotated[int, Field(ge=1, le=10)]
    noted: bool = False


class Painted(Event):
    """Something was painted."""

    type: ClassVar[str] = "thing.painted.v1"
    topic: ClassVar[str] = "things"
    key_field: ClassVar[str] = "thing_id"

    thing_id: UUID
    other_id: UUID
    code: Annotated[str, StringConstraints(pattern="^[a-z]{3}$", min_length=3, max_length=3)]
    colour: Colour
    last: Colour | None = None
    parts: Annotated[list[Part], Field(max_length=5)] = []


TOPIC = Topic("things")
PUBLISHED = event_schema(Painted, TOPIC)


def properties(schema: Schema) -> dict[str, Any]:
    return schema["properties"]


def part(schema: Schema) -> dict[str, Any]:
    return schema["definitions"]["Part"]


def more(name: str, field: Any, *, required: bool = False, inside: bool = False) -> Change:
    def change(schema: Schema) -> None:
        where = part(schema) if inside else schema
        where["properties"][name] = field
        if required:
            where["required"].append(name)

    return change


def settle(*path: str, value: Any) -> Change:
    """Put `value` at the end of the path; None takes away what is there."""

    def change(schema: Schema) -> None:
        for step in path[:-1]:
            schema = schema[step]
        if value is None:
            del schema[path[-1]]
        else:
            schema[path[-1]] = value

    return change


ALLOWED: dict[str, Change] = {
    "nothing": lambda schema: None,
    "an optional field": more("size", {"type": "integer", "default": 0}),
    "an optional field that may be null": more("size", {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    "an optional field of a part": more("size", {"type": "integer", "default": 0}, inside=True),
    "an optional field that is a new part": more("frame", {"allOf": [{"$ref": "#/definitions/Part"}]}),
    "a code": lambda schema: schema["definitions"]["Colour"]["enum"].append("blue"),
    "codes in another order": lambda schema: schema["definitions"]["Colour"]["enum"].reverse(),
    "a code of the country pack in the place of a list of codes": settle(
        "properties", "colour", value={"type": "string", "pattern": PACK_CODE}
    ),
    "another wording of the type": settle("description", value="Paint was applied."),
    "another wording of a field": lambda schema: properties(schema)["code"].update(description="Which."),
    "another name of a part": lambda schema: schema.update(
        definitions={**schema["definitions"], "Piece": part(schema)},
        properties={
            **properties(schema),
            "parts": {**properties(schema)["parts"], "items": {"$ref": "#/definitions/Piece"}},
        },
    ),
}

REFUSED: dict[str, tuple[Change, str]] = {
    "a field removed": (lambda schema: properties(schema).pop("other_id"), "other_id: the field was removed"),
    "an optional field removed": (lambda schema: properties(schema).pop("last"), "last: the field was removed"),
    "a part's field removed": (
        lambda schema: part(schema)["properties"].pop("noted"),
        "parts[].noted: the field was removed",
    ),
    "a field renamed": (
        lambda schema: properties(schema).update(name=properties(schema).pop("other_id")),
        "other_id: the field was removed",
    ),
    "a field of another type": (
        settle("properties", "code", "type", value="integer"),
        "code: type was 'string' and is 'integer'",
    ),
    "a field of another format": (
        settle("properties", "other_id", "format", value="date-time"),
        "other_id: format was 'uuid' and is 'date-time'",
    ),
    "any text instead of an id": (
        settle("properties", "other_id", "format", value=None),
        "other_id: format 'uuid' was removed",
    ),
    "null allowed": (
        settle("properties", "other_id", value={"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}),
        "other_id: has other kinds of value than before, such as null",
    ),
    "null no longer allowed": (
        settle("properties", "last", value={"allOf": [{"$ref": "#/definitions/Colour"}], "default": None}),
        "last: has other kinds of value than before, such as null",
    ),
    "one value instead of a list": (
        settle("properties", "parts", value={"$ref": "#/definitions/Part"}),
        "parts: is a list in one of the two only",
    ),
    "a required field added": (
        more("size", {"type": "integer"}, required=True),
        "size: a required field was added",
    ),
    "a required field added to a part": (
        more("size", {"type": "integer"}, required=True, inside=True),
        "parts[].size: a required field was added",
    ),
    "an optional field made required": (
        lambda schema: schema["required"].append("parts"),
        "parts: is required now",
    ),
    "a required field made optional": (
        lambda schema: schema["required"].remove("other_id"),
        "other_id: is no longer required",
    ),
    "another default": (
        lambda schema: part(schema)["properties"]["noted"].update(default=True),
        "parts[].noted: default was False and is True",
    ),
    "a code removed": (
        lambda schema: schema["definitions"]["Colour"]["enum"].remove("green"),
        "parts[].colour: code 'green' was removed",
    ),
    "a code renamed": (
        settle("definitions", "Colour", "enum", value=["red", "verdant"]),
        "last: code 'green' was removed",
    ),
    "any text instead of a code": (
        settle("properties", "colour", value={"type": "string"}),
        "colour: is a code in one of the two only",
    ),
    "a text of another form in the place of codes": (
        settle("properties", "colour", value={"type": "string", "pattern": "^[a-z]{3,9}$"}),
        "colour: is a code in one of the two only",
    ),
    "a code instead of any text": (
        lambda schema: properties(schema)["code"].update(enum=["abc"]),
        "code: is a code in one of the two only",
    ),
    "a lower maximum": (
        lambda schema: part(schema)["properties"]["share"].update(maximum=9),
        "parts[].share: maximum was 10 and is 9",
    ),
    "a higher maximum, over which old readers stumble": (
        lambda schema: part(schema)["properties"]["share"].update(maximum=11),
        "parts[].share: maximum was 10 and is 11",
    ),
    "a higher minimum": (
        lambda schema: part(schema)["properties"]["share"].update(minimum=2),
        "parts[].share: minimum was 1 and is 2",
    ),
    "a bound that was not there": (
        settle("properties", "code", "format", value="hostname"),
        "code: format 'hostname' was added",
    ),
    "another pattern": (
        settle("properties", "code", "pattern", value="^[a-z]{2}$"),
        "code: pattern was '^[a-z]{3}$' and is '^[a-z]{2}$'",
    ),
    "a pattern gone": (
        settle("properties", "code", "pattern", value=None),
        "code: pattern '^[a-z]{3}$' was removed",
    ),
    "a shorter text": (settle("properties", "code", "maxLength", value=2), "code: maxLength was 3 and is 2"),
    "a longer least text": (settle("properties", "code", "minLength", value=4), "code: minLength was 3 and is 4"),
    "a shorter list": (settle("properties", "parts", "maxItems", value=4), "parts: maxItems was 5 and is 4"),
    "an open type": (
        settle("additionalProperties", value=True),
        "additionalProperties was False and is True",
    ),
    "another key": (settle("x-key", value="other_id"), "key was 'thing_id' and is 'other_id'"),
    "another topic": (settle("x-topic", value="stuff"), "topic was 'things' and is 'stuff'"),
    "another type name": (
        settle("x-type", value="thing.dyed.v1"),
        "type was 'thing.painted.v1' and is 'thing.dyed.v1'",
    ),
    "compaction": (
        settle("x-cleanup-policy", value="compact"),
        "cleanup-policy was 'delete' and is 'compact'",
    ),
    "another number of partitions": (settle("x-partitions", value=24), "partitions was 12 and is 24"),
}


@pytest.mark.parametrize("change", ALLOWED.values(), ids=ALLOWED)
def test_a_change_that_nobody_breaks_on_is_allowed(change: Change) -> None:
    current = copy.deepcopy(PUBLISHED)
    change(current)
    assert breaks_between(PUBLISHED, current) == []


@pytest.mark.parametrize(("change", "why"), REFUSED.values(), ids=REFUSED)
def test_a_change_that_somebody_breaks_on_is_refused_and_named(change: Change, why: str) -> None:
    """Seen to fail for each row when the line of `compatibility` that tells it is taken out."""
    current = copy.deepcopy(PUBLISHED)
    change(current)
    assert why in [str(fault) for fault in breaks_between(PUBLISHED, current)]


def test_a_literal_that_gets_its_second_code_stays_an_enum() -> None:
    """Pydantic writes a literal of one code as a constant. Seen to fail when that was left so."""
    before, after = (
        event_schema(create_model("Painted", __base__=Painted, sole=(codes, ...)), TOPIC)
        for codes in (Literal["red"], Literal["red", "green"])
    )
    assert breaks_between(before, after) == []
    assert [str(fault) for fault in breaks_between(after, before)] == ["sole: code 'green' was removed"]


def test_a_code_without_the_form_of_pack_codes_keeps_its_list_closed() -> None:
    published, current = copy.deepcopy(PUBLISHED), copy.deepcopy(PUBLISHED)
    published["definitions"]["Colour"]["enum"] = ["red", "Green"]
    current["definitions"]["Colour"]["enum"] = ["red", "Green"]
    properties(current)["colour"] = {"type": "string", "pattern": PACK_CODE}
    assert "colour: is a code in one of the two only" in [str(found) for found in breaks_between(published, current)]


def test_a_type_that_holds_itself_is_refused_rather_than_followed_for_ever() -> None:
    looped = copy.deepcopy(PUBLISHED)
    part(looped)["properties"]["inner"] = {"$ref": "#/definitions/Part"}
    with pytest.raises(ValueError, match="Part holds itself"):
        breaks_between(looped, looped)
