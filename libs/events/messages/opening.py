"""Open parsing: additions of a newer producer must not break an older consumer.

- Unknown fields are ignored, at every depth.
- An unknown code is not guessed. If its enum has the member `unknown` or `other`, this member replaces the code. If it
  has neither, the event cannot be understood. It is parked with its key until this consumer knows the code. The code is
  not ignored, because it could be a protection flag.
- Optional parts of events from outside are set aside for a review by staff instead: see `libs.events.doubt`.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from libs.events.doubt import NotOptionalError, without_faults
from libs.events.event import Event, SetAside
from libs.wire.json_text import Fault, faults_of

_FIELD_NAME = re.compile(r"[a-z][a-z_]{0,40}")
_STAND_INS = ("unknown", "other")


class UnreadableEventError(ValueError):
    """The data of an event do not fit its type. `places` names the places and rules, never the values."""

    def __init__(self, code: str, places: str) -> None:
        super().__init__(f"{code}: {places}")
        self.code = code
        self.places = places


def _plain(step: str | int) -> str:
    """A step of a path as text. A text that cannot be the name of one of our fields is not repeated."""
    return str(step) if isinstance(step, int) or _FIELD_NAME.fullmatch(step) else "?"


def parse(model: type[Event], data: bytes) -> Event:
    """The event in `data`, or `UnreadableEventError`."""
    try:
        event: Event = model.__pydantic_validator__.validate_json(data, extra="ignore")
    except ValidationError as error:
        return _with_stand_ins(model, data, error)
    return event


def take_up(model: type[Event], data: bytes, *, is_foreign: bool = False) -> tuple[Event, tuple[SetAside, ...]]:
    """The event in `data`, and its parts that are set aside. `UnreadableEventError` for other faults.

    From a foreign producer, ambiguous JSON and JSON that cannot be stored are refused, as in REST requests.
    """
    # Faults in fields that are ignored anyway have no effect.
    found = faults_of(data) if is_foreign else []
    ambiguous = [fault for fault in found if not fault.path or fault.path[0] in model.model_fields]
    try:
        event: Event = model.__pydantic_validator__.validate_json(data, extra="ignore")
        if not ambiguous:
            return event, ()
    except ValidationError as error:
        if not model.optional_parts or not error.errors()[0]["loc"]:
            if ambiguous:
                raise _not_json(ambiguous) from None
            return _with_stand_ins(model, data, error), ()
    return _without_doubtful_parts(model, data, ambiguous)


def _without_doubtful_parts(
    model: type[Event], data: bytes, ambiguous: Sequence[Fault]
) -> tuple[Event, tuple[SetAside, ...]]:
    try:
        return without_faults(model, json.loads(data), [(tuple(fault.path), fault.rule) for fault in ambiguous])
    except (NotOptionalError, ValueError, RecursionError):
        if ambiguous:
            raise _not_json(ambiguous) from None
        return parse(model, data), ()


def _not_json(faults: Sequence[Fault]) -> UnreadableEventError:
    places = ", ".join(f"{'.'.join(map(_plain, fault.path))} {fault.rule}" for fault in faults[:5])
    return UnreadableEventError("json", places)


def _with_stand_ins(model: type[Event], data: bytes, error: ValidationError) -> Event:
    if not _only_codes(error):
        raise UnreadableEventError("schema", _places(error)) from None
    body = json.loads(data)
    for stand_in in _STAND_INS:
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            _put(body, fault["loc"], stand_in)
        try:
            return model.model_validate_json(json.dumps(body), extra="ignore")
        except ValidationError as still:
            error = still
    raise UnreadableEventError("unknown-code", _places(error)) from None


def _only_codes(error: ValidationError) -> bool:
    """Whether all faults are unknown codes. A value that is not a text is a mistake, not a code of a newer producer."""
    return all(
        fault["type"] == "enum" and isinstance(fault["input"], str)
        for fault in error.errors(include_url=False, include_context=False)
    )


def _places(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return ", ".join(f"{'.'.join(map(str, fault['loc']))} {fault['type']}" for fault in faults[:5])


def _put(body: Any, path: tuple[int | str, ...], value: str) -> None:
    for step in path[:-1]:
        body = body[step]
    body[path[-1]] = value
