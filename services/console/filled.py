"""A form as a page shows it (pure)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.console.errors import Problem


@dataclass(frozen=True)
class Filled:
    """A form as a page shows it: the values that were typed, and what is wrong with them."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problem: Problem | None = None
    pointers: Mapping[str, str] = field(default_factory=dict)
    """The name of the field in the form by the JSON pointer that the service uses."""
    key: str = field(default_factory=lambda: str(uuid.uuid4()))

    def value(self, name: str, default: str = "") -> str:
        """What was typed into a field."""
        values = self.values.get(name)
        return values[0] if values else ("" if self.values else default)

    def chosen(self, name: str, value: str) -> bool:
        """Whether a box or an entry of a list was chosen."""
        return value in self.values.get(name, ())

    def faults(self, name: str) -> list[Any]:
        """What is wrong with a field."""
        if self.problem is None:
            return []
        return [one for one in self.problem.errors if self._field(one.pointer) == name]

    @property
    def other_faults(self) -> list[Any]:
        """What is wrong with fields that the form does not show."""
        if self.problem is None:
            return []
        return [one for one in self.problem.errors if self._field(one.pointer) is None]

    def _field(self, pointer: str) -> str | None:
        while pointer:
            if pointer in self.pointers:
                return self.pointers[pointer]
            pointer = pointer.rpartition("/")[0]
        return None
