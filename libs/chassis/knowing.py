"""What a service knows of keys that another service knows too: ids, versions and states, one JSON object a line.

Two services write such lines and compare them after a restore, also where they cannot reach each other's database. No
line holds anything of a person but ids and codes.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError


class Known(BaseModel):
    """One key as a service knows it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    id: UUID
    version: int = 0
    state: str = ""
    of: UUID | None = None
    """What it belongs to, such as the person of a need."""


class NotKnownError(ValueError):
    """A file does not hold what a service knows; the text says which line."""


def write(known: Iterable[Known]) -> None:
    """Print what is known, one line each."""
    for one in known:
        sys.stdout.write(one.model_dump_json(exclude_defaults=True) + "\n")


def read(path: Path) -> Iterator[Known]:
    """What another service knows, as it has written it."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield Known.model_validate_json(line)
            except ValidationError:
                raise NotKnownError(f"line {number} of the file is not what a service knows") from None
