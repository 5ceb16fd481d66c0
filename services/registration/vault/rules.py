"""The kinds of subjects that have keys (pure)."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class SubjectKind(StrEnum):
    """A person has a key until the erasure. The manifest of a batch has one until it is deleted because of its age
    (domain P17)."""

    PERSON = "person"
    MANIFEST = "manifest"
    RESTRICTED = "restricted"
    """A person's data about restricted needs. The subject is a keyed hash of the person's id."""


class Erased(NamedTuple):
    """A subject whose key has been destroyed."""

    at: datetime
    arrival_key: bytes | None = None
    """The key that recognises a repeated arrival of the person; None after no repetition is possible any more."""
