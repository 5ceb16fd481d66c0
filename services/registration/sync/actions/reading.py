"""Reads operations as they came, each by itself."""

import json
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from libs.chassis.errors import FieldError, InvalidInput, Refusal
from libs.chassis.validation import field_errors
from services.registration.sync.actions.applying import names_in
from services.registration.sync.rules import TAKEN_DAYS
from services.registration.sync.schemas import OPERATION, Operation, RegisterPerson

MADE_AT = "/made_at"


@dataclass(frozen=True, slots=True)
class Read:
    """One operation as it came."""

    place: int
    """Its place in the request."""
    text: str
    """The whole operation in one form, for the comparison with one of the same id."""
    op: Operation | None = None
    refusal: Refusal | None = None
    """Why it cannot be read."""
    operation_id: UUID | None = None
    sequence: int | None = None
    makes: frozenset[UUID] = field(default_factory=frozenset)
    """The ids by which other operations name what it creates."""

    @property
    def needs(self) -> set[UUID]:
        """The ids by which it names people and things."""
        return set() if self.op is None else names_in(self.op)


def read_operation(place: int, told: Any) -> Read:
    """One operation; what breaks a rule is a refusal of this operation alone."""
    text = json.dumps(told, sort_keys=True)
    try:
        op = OPERATION.validate_python(told)
    except ValidationError as error:
        findings = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
        refusal = InvalidInput("The operation breaks a rule.", errors=field_errors(findings, told))
        operation_id, sequence = _id_in(told, "id"), _number_in(told)
        made = (operation_id, _id_in(told, "person_id"))
        return Read(place, text, None, refusal, operation_id, sequence, frozenset(one for one in made if one))
    makes = {op.id, op.person_id} if isinstance(op, RegisterPerson) else {op.id}
    return Read(place, text, op, None, op.id, op.sequence, frozenset(makes))


def in_turn(read: list[Read]) -> list[Read]:
    """The operations by sequence number; unreadable ones first, so that it is known what needs them."""
    return sorted(read, key=lambda one: (one.op is not None, one.sequence or 0, one.place))


def in_operation(refusal: Refusal, op: Operation) -> Refusal:
    """The refusal of an action with its pointers in the operation: an action knows only the data."""
    if type(refusal) is not InvalidInput or not hasattr(op, "data"):
        return refusal
    faults = [one if one.pointer == MADE_AT else replace(one, pointer=f"/data{one.pointer}") for one in refusal.errors]
    return InvalidInput(refusal.detail, errors=faults)


def too_old() -> InvalidInput:
    """The refusal of an operation that may have been taken in so long ago that its result is deleted."""
    detail = f"The operation is older than {TAKEN_DAYS} days; a desk has to enter it."
    return InvalidInput(errors=[FieldError(MADE_AT, "too-long-ago", detail)])


def _id_in(told: Any, name: str) -> UUID | None:
    value = told.get(name) if isinstance(told, dict) else None
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _number_in(told: Any) -> int | None:
    value = told.get("sequence") if isinstance(told, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 2**53 else None
