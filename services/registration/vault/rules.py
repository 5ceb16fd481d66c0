"""Whose keys the vault keeps (pure)."""

from enum import StrEnum


class SubjectKind(StrEnum):
    """A person has a key until erased; the manifest of a batch has one until it has aged out (domain P17)."""

    PERSON = "person"
    MANIFEST = "manifest"
