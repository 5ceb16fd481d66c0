"""Coded details of a need, such as which limb or how many nights. The taxonomy of the country pack says which details a
kind has and which values each may have (`libs.taxonomy`). There is no free text, because it could name a person."""

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from libs.events.codes import NeedKind
from libs.wire.values import Flag, Whole

DetailCode = NeedKind
"""A coded detail of a kind, such as `limb`, or one of its values, such as `leg`."""
DetailText = Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9_]{1,39}|[A-Z]{2}[0-9]{2,6})$")]
"""A value of a detail: a code of the taxonomy, a place code or a language."""
Number = Annotated[Whole, Field(ge=0, le=1_000_000)]
FactValue = Flag | Number | DetailText
"""The value of a fact that a completion states: yes or no, a count, or a code."""
DetailValue = Flag | Number | DetailText | Annotated[list[DetailText], Field(min_length=1, max_length=20)]
"""The value of a detail, in the form that the taxonomy gives the detail."""


class ToldDetail(BaseModel):
    """One coded detail of a need."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    detail: DetailCode
    """Such as `limb`."""
    value: DetailValue
    """Such as `leg`; a number, a list of codes, or true and false where the taxonomy says so."""


class StatedFact(BaseModel):
    """One coded fact that a provider states at the completion of a service."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fact: DetailCode
    """Such as `document_issued`."""
    value: FactValue
    """Yes or no, a count, or a code of the taxonomy."""


ToldDetails = Annotated[list[ToldDetail], Field(max_length=10)]


def by_detail(details: Iterable[ToldDetail]) -> dict[str, DetailValue]:
    """The values by the code of their detail, as they are stored."""
    return {one.detail: one.value for one in details}


def from_stored(stored: Mapping[str, DetailValue] | str) -> dict[str, DetailValue]:
    """The values in a column of a row, whether the connection has read their JSON or not."""
    values: dict[str, DetailValue] = json.loads(stored) if isinstance(stored, str) else dict(stored)
    return values


def as_told(details: Mapping[str, DetailValue]) -> list[ToldDetail]:
    """Stored values as the details of an event or a view, in the order of their codes."""
    return [ToldDetail(detail=code, value=details[code]) for code in sorted(details)]


def _told(stored: Any) -> Any:
    return as_told(from_stored(stored)) if isinstance(stored, Mapping | str) else stored


StoredDetails = Annotated[list[ToldDetail], BeforeValidator(_told)]
"""The details of a view, which may be made of a row."""
