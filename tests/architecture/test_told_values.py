"""What somebody outside tells has one form: no request and no event reads a number as a day, or a word as a yes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, Any, get_args, get_origin

from fastapi.dependencies.models import Dependant
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from libs.events.catalogue import arrivals, directory, notifications, referral, registration
from tests.architecture.test_dependencies import APIS, needed, routes_of

NO_DAYS: list[Any] = [
    0, "0", 0.0, -1, True, "1990", "19900517", "1990-05-17T00:00:00", "2026-03-02T00:00:00Z", 1_772_409_600,
    "1772409600",
]  # fmt: skip
NO_MOMENTS: list[Any] = [
    0, "0", 1.5, True, "2026-03-02", "20260302T100000Z", "2026-03-02T10:00:00", 1_772_445_600, "1772445600", "1e9"
]  # fmt: skip
NO_FLAGS: list[Any] = [0, 1, "yes", "true", "on", "1", 1.0]
NO_NUMBERS: list[Any] = ["1", 1.0, True, "1e0", "3", 3.0]
REFUSED: dict[type, list[Any]] = {date: NO_DAYS, datetime: NO_MOMENTS, bool: NO_FLAGS, int: NO_NUMBERS}


def kinds_in(annotation: Any) -> Iterator[Any]:
    """Every plain type that an annotation is made of."""
    if get_origin(annotation) is Annotated:
        yield from kinds_in(get_args(annotation)[0])
    elif get_args(annotation):
        for argument in get_args(annotation):
            yield from kinds_in(argument)
    else:
        yield annotation


def models_of(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in an annotation, and those of their fields."""
    for kind in kinds_in(annotation):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield kind
            for field in kind.model_fields.values():
                yield from models_of(field.annotation)


def dependants(route_dependant: Dependant) -> list[Dependant]:
    return [route_dependant, *needed(route_dependant)]


def requests() -> dict[str, Any]:
    """Every field that a request may carry: of its body at any depth, of its query and of its path."""
    found: dict[str, Any] = {}
    for module in APIS:
        for route in routes_of(module):
            for one in dependants(route.dependant):
                for parameter in [*one.query_params, *one.path_params]:
                    found[f"{route.path}?{parameter.alias}"] = (parameter.field_info, False)
                for parameter in one.body_params:
                    for model in models_of(parameter.field_info.annotation):
                        for name, field in model.model_fields.items():
                            found[f"{model.__module__}.{model.__name__}.{name}"] = (field, True)
    return found


def inbound_events() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for catalogue in (arrivals, directory, notifications, referral, registration):
        for event in catalogue.EVENTS:
            for model in models_of(event):
                for name, field in model.model_fields.items():
                    found[f"{model.__module__}.{model.__name__}.{name}"] = (field, catalogue is arrivals)
    return found


def accepted(field: FieldInfo, kind: type, *, numbers_too: bool) -> list[Any]:
    """Which of the values that are no `kind` the field takes all the same."""
    if kind in (bool, int) and not numbers_too:
        return []
    if any(kind in (date, datetime) and other in (str,) for other in kinds_in(field.annotation)):
        return []
    adapter = TypeAdapter(Annotated[field.annotation, "as told", *field.metadata])
    taken = []
    for value in REFUSED[kind]:
        shaped = [value] if get_origin(field.annotation) is list else value
        try:
            adapter.validate_python(shaped)
        except ValidationError:
            continue
        taken.append(value)
    return taken


FORM_BY_TAXONOMY = ("libs.events.detail_values.ToldDetail.value",)
"""Values of which the taxonomy decides whether they are a number, a code, or yes or no. The check against it takes each
only in its own form: `tests/unit/taxonomy/test_told.py`."""


def faults(fields: dict[str, Any]) -> list[str]:
    return [
        f"{name} takes {taken} as {kind.__name__}"
        for name, (field, numbers_too) in sorted(fields.items())
        if name not in FORM_BY_TAXONOMY
        for kind in REFUSED
        if kind in set(kinds_in(field.annotation)) and (taken := accepted(field, kind, numbers_too=numbers_too))
    ]


def test_there_are_days_and_moments_to_look_at():
    kinds = [set(kinds_in(field.annotation)) for field, _ in [*requests().values(), *inbound_events().values()]]
    assert sum(date in kind for kind in kinds) >= 8
    assert sum(datetime in kind for kind in kinds) >= 25


def test_no_request_takes_a_number_as_a_day_or_a_word_as_a_yes():
    assert not faults(requests())


def test_no_event_takes_a_number_as_a_day_or_a_word_as_a_yes():
    assert not faults(inbound_events())
