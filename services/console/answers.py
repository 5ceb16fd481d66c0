"""What a page gets from the services (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from services.console.errors import Problem

T = TypeVar("T")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """What a part of a page needs: the value, or why it is missing."""

    value: T | None = None
    away: str | None = None
    """The service that does not answer."""
    problem: Problem | None = None
    """The service's refusal."""

    @property
    def there(self) -> bool:
        """Whether the value is there."""
        return self.away is None and self.problem is None
