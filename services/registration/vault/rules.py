"""Whose keys the vault keeps (pure)."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class SubjectKind(StrEnum):
    """A person has a key until erased; the manifest of a batch has one until it has aged out (domain P17)."""

    PERSON = "person"
    MANIFEST = "manifest"
    RESTRICTED = "restricted"
    """What a person told of restricted needs; its subject is a keyed hash of the person's id."""


class Erased(NamedTuple):
    """A subject whose key has been destroyed."""

    at: datetime
    arrival_key: bytes | None = None
    """By which the arrival of a person is known when it is told again; None once that cannot happen any more."""
