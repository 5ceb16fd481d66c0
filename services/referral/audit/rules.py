"""What is recorded of an access to a person's data, and which ids of a view say whose data it shows. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final
from uuid import UUID

from pydantic import BaseModel


class AccessKind(StrEnum):
    """Whether data were read or written."""

    READ = "read"
    WRITE = "write"


class AccessPurpose(StrEnum):
    """Why the data were read or changed. The caller of a read may state the purpose."""

    REFERRAL = "referral"
    FOLLOW_UP = "follow_up"
    SUPERVISION = "supervision"
    REQUEST_OF_PERSON = "request_of_person"


class Record(StrEnum):
    """The kind of record that an id belongs to."""

    OFFER = "offer"
    NEED = "need"
    REFERRAL = "referral"
    REVIEW = "review"
    RETURNEE = "returnee"


_NAMES: Final[Mapping[str, Record]] = {
    "offer_id": Record.OFFER,
    "need_id": Record.NEED,
    "referral_id": Record.REFERRAL,
    "review_id": Record.REVIEW,
    "returnee_id": Record.RETURNEE,
}
"""The names of ids in views and paths. The first one that a view has says which record it shows."""

Shown = tuple[Record, UUID]
"""A record that was shown or changed."""


class ShowsRecord:
    """A view that is identified by its own `id`. `shows` says of which kind it is."""

    shows: ClassVar[Record]


class ShowsParts:
    """A view whose own ids are not recorded, only those of the views in it."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller that reads or changes data."""

    who: str
    """The subject of the token."""
    client_id: str
    organization_id: UUID | None
    """None for staff of the network."""
    acting_as: tuple[str, ...] = ()
    """The roles and desks of its token (`libs.chassis.principals.acting_as`)."""


@dataclass(frozen=True, slots=True)
class Access:
    """One request's read or write. `fields` contains the names of the shown fields, never their values."""

    actor: Actor
    kind: AccessKind
    action: str
    purpose: AccessPurpose
    fields: Sequence[str]
    records: Sequence[Shown]


def shown_by(view: object) -> list[Shown]:
    """The records that a view shows, each once, in the order of the view."""
    return list(dict.fromkeys(_records(view)))


def named_by(values: Mapping[str, object]) -> list[Shown]:
    """The records that the parameters of a request name."""
    needs: Any = values.get("need_ids") or ()
    single = [(kind, value) for name, kind in _NAMES.items() if isinstance(value := values.get(name), UUID)]
    return [*single, *((Record.NEED, need_id) for need_id in needs)]


def fields_of(view: object) -> list[str]:
    """The fields that a view shows of each record. For a page: the fields of its items."""
    if not isinstance(view, BaseModel):
        return []
    items = getattr(view, "items", None)
    if isinstance(items, list):
        return fields_of(items[0]) if items else []
    return sorted(type(view).model_fields)


def _records(value: object) -> Iterator[Shown]:
    if isinstance(value, BaseModel):
        own = _own(value)
        if own is not None:
            yield own
        yield from _within(getattr(value, name) for name in type(value).model_fields)
    elif isinstance(value, list):
        yield from _within(value)


def _within(values: Iterable[object]) -> Iterator[Shown]:
    for value in values:
        yield from _records(value)


def _own(view: BaseModel) -> Shown | None:
    if isinstance(view, ShowsParts):
        return None
    if isinstance(view, ShowsRecord):
        return (view.shows, view.id)  # type: ignore[attr-defined]
    named = ((kind, getattr(view, name, None)) for name, kind in _NAMES.items())
    return next(((kind, value) for kind, value in named if isinstance(value, UUID)), None)
