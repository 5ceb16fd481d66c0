"""Set aside the optional parts of an event that break a rule, so that they do not keep the rest from having effects.

The sender of an event gets no error response, and the urgent parts of an event must not wait for the correction of
others. An event type names in `optional_parts` the parts without which it can still be handled. The handler gets such a
part with its value, and stores it for a review by staff. Any other fault makes the event unreadable.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from libs.events.event import E, Event, OptionalPart, SetAside

ROUNDS: Final = 4
"""The maximum number of attempts. After a part was removed there may be another fault, such as a list that is then too
short."""
TOO_LONG = "too_long"
UNKNOWN_CODE = "unknown-code"

Path = tuple[str | int, ...]
Fault = tuple[Path, str]
"""The place where a rule is broken, and the rule."""


class NotOptionalError(ValueError):
    """A required part breaks a rule: without it the event cannot be handled."""


@dataclass(slots=True)
class Pruning:
    """A body, and its parts that are left out or replaced. Paths refer to the body as it was received."""

    body: Any
    gone: set[Path]
    stand_ins: dict[Path, object]
    aside: list[SetAside]

    def rest(self) -> Any:
        """The body without the parts that are set aside."""
        return self._pruned(self.body, ())

    def original(self, path: Sequence[str | int]) -> Path:
        """The path in the received body for a path in the remaining body."""
        here: Path = ()
        for step in path:
            if isinstance(step, int):
                kept = (place for place in range(len(self.gone) + step + 1) if (*here, place) not in self.gone)
                step = [*kept][step]
            here = (*here, step)
        return here

    def set_aside(self, path: Path, part: OptionalPart, rule: str) -> None:
        """Leave one part out, or replace it with its stand-in."""
        if path in self.gone or path in self.stand_ins:
            return
        if part.stand_in is None:
            self.gone.add(path)
        else:
            self.stand_ins[path] = part.stand_in
        self.aside.append(SetAside(_pointer(path), rule, _value(self.body, path), part.is_urgent))

    def shorten(self, path: Path, part: OptionalPart, length: int) -> None:
        """Leave out the items of a list beyond its maximum length."""
        items = [place for place in range(len(_value(self.body, path))) if (*path, place) not in self.gone]
        beyond = [(*path, place) for place in items[length:]]
        self.gone.update(beyond)
        values = [_value(self.body, one) for one in beyond]
        self.aside.append(SetAside(_pointer(path), "too-long", values, part.is_urgent))

    def whole_parts(self) -> tuple[SetAside, ...]:
        """The parts that are set aside, without those that are inside another one."""
        pointers = [f"{one.pointer}/" for one in self.aside]
        return tuple(one for one in self.aside if not any(one.pointer.startswith(other) for other in pointers))

    def _pruned(self, value: Any, path: Path) -> Any:
        if path in self.stand_ins:
            return self.stand_ins[path]
        if isinstance(value, Mapping):
            return {
                name: self._pruned(item, (*path, name))
                for name, item in value.items()
                if (*path, name) not in self.gone
            }
        if isinstance(value, list):
            kept = [(place, item) for place, item in enumerate(value) if (*path, place) not in self.gone]
            return [self._pruned(item, (*path, place)) for place, item in kept]
        return value


def without_faults(model: type[E], body: Any, faults: Collection[Fault]) -> tuple[E, tuple[SetAside, ...]]:
    """The event in `body` without the optional parts that `faults` name, and without those that its schema refuses.

    `NotOptionalError` if a fault is outside the optional parts.
    """
    pruning = Pruning(body, set(), {}, [])
    for path, rule in faults:
        pruning.set_aside(*_optional(model, path), rule)
    for _ in range(ROUNDS):
        try:
            return model.model_validate_json(json.dumps(pruning.rest()), extra="ignore"), pruning.whole_parts()
        except ValidationError as error:
            _prune(pruning, model, error)
    raise NotOptionalError


def as_it_came(part: SetAside, before: Collection[SetAside]) -> SetAside:
    """A part of a body from which other parts were left out before, with its place in the whole body."""
    pruning = Pruning(None, {path_of(one.pointer) for one in before}, {}, [])
    return replace(part, pointer=_pointer(pruning.original(path_of(part.pointer))))


def path_of(pointer: str) -> Path:
    """The steps of a JSON pointer. A step of digits is a place in a list."""
    return tuple(int(step) if step.isdecimal() else step for step in pointer.split("/")[1:])


def _prune(pruning: Pruning, model: type[Event], error: ValidationError) -> None:
    before = len(pruning.aside)
    faults = error.errors(include_url=False, include_input=False)
    places = [_optional(model, pruning.original(fault["loc"])) for fault in faults]
    for fault, (path, part) in zip(faults, places, strict=True):
        length = fault.get("ctx", {}).get("max_length")
        if fault["type"] == TOO_LONG and isinstance(length, int):
            pruning.shorten(path, part, length)
        else:
            pruning.set_aside(path, part, UNKNOWN_CODE if fault["type"] == "enum" else fault["type"].replace("_", "-"))
    if len(pruning.aside) == before:
        raise NotOptionalError


def _optional(model: type[Event], path: Sequence[str | int]) -> tuple[Path, OptionalPart]:
    """The smallest optional part that contains a place."""
    for end in range(len(path), 0, -1):
        pattern = "/" + "/".join("*" if isinstance(step, int) else step for step in path[:end])
        part = next((one for one in model.optional_parts if one.path == pattern), None)
        if part is not None:
            return tuple(path[:end]), part
    raise NotOptionalError


def _value(body: Any, path: Path) -> Any:
    for step in path:
        body = body.get(step) if isinstance(body, Mapping) else body[step]
    return body


def _pointer(path: Path) -> str:
    return "".join(f"/{step}" for step in path)
