"""The objects that two services know: ids, versions and states, one JSON object per line.

After a restore, each of the two services writes these lines, and they are compared. For this the services need not
reach each other's database. The lines contain no personal data except ids and codes.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError


class Known(BaseModel):
    """One object as a service knows it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    id: UUID
    version: int = 0
    state: str = ""
    of: UUID | None = None
    """The object to which it belongs, such as the person of a need."""


class NotKnownError(ValueError):
    """A file is not the output of `known`; the text names the line."""


def write(known: Iterable[Known]) -> None:
    """Print the known objects, one per line."""
    for one in known:
        sys.stdout.write(one.model_dump_json(exclude_defaults=True) + "\n")


def read(path: Path) -> Iterator[Known]:
    """The known objects in the output of another service."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield Known.model_validate_json(line)
            except ValidationError:
                raise NotKnownError(f"line {number} of the file is not what a service knows") from None
