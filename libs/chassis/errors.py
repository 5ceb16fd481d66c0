"""Refusals: each has a public code, a status and a title (pure).

A service's `errors.py` subclasses these. Texts never repeat what the caller sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


class Refusal(Exception):  # noqa: N818 (a refusal is not an error)
    """A refusal. Subclasses set `code` (kebab-case, public, stable) and `status`; the title follows from the code.

    `detail` says what is wrong in words; `pointer` names the field (a JSON pointer, or a parameter's name); further
    keyword arguments become members of the problem document, so they must be plain JSON values and nothing personal.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "Refused"
    retry_after_seconds: ClassVar[int | None] = None
    """When set, the answer carries `Retry-After`."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" in cls.__dict__ and "title" not in cls.__dict__:
            cls.title = cls.code.replace("-", " ").capitalize()

    def __init__(self, detail: str | None = None, *, pointer: str | None = None, **members: object) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.pointer = pointer
        self.members = members
        self.headers: dict[str, str] = {}

    @property
    def errors(self) -> "list[FieldError]":
        """The fields at fault; empty when no field is named."""
        return [FieldError(self.pointer, self.code, self.detail)] if self.pointer is not None else []


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that breaks one rule: its place, the rule (kebab-case), and the reason in words without the value."""

    pointer: str
    rule: str
    detail: str


class NotFound(Refusal):
    """The object does not exist, or the caller may not see it."""

    code = "not-found"
    status = 404


class Conflict(Refusal):
    """The request is valid, but not allowed in the present state."""

    code = "conflict"
    status = 409


class InvalidInput(Refusal):
    """The request breaks a rule; `errors` names each field and rule."""

    code = "invalid-input"
    status = 422
    parked_as: ClassVar[str] = code
    """The reason that operators see for a refused event, which is parked because its sender gets no response."""

    @property
    def parked_because(self) -> str:
        """The first fields at fault and their rules, without values."""
        return ", ".join(f"{error.pointer} {error.rule}" for error in self.errors[:5])

    def __init__(
        self,
        detail: str | None = None,
        *,
        pointer: str | None = None,
        errors: Sequence[FieldError] = (),
        **members: object,
    ) -> None:
        super().__init__(detail, pointer=pointer, **members)
        self._errors = list(errors)

    @property
    def errors(self) -> list[FieldError]:
        """The fields at fault, in the order in which they were found."""
        return self._errors or super().errors


class Unavailable(Refusal):
    """A system that this service depends on does not answer; the same request may succeed later."""

    code = "unavailable"
    status = 503
    retry_after_seconds = 2


def foreign_cursor() -> InvalidInput:
    """The refusal of a cursor that was created by another list, or for another order of the same list."""
    fault = FieldError("after", "bad-cursor", "Send the unchanged `next` of the previous page")
    return InvalidInput("The cursor was not created by this list.", errors=[fault])
