"""Relations to an excluded person, and when two names may be those of one person (pure)."""

from enum import StrEnum
from typing import Final

from libs.wire.names import name_readings, words_to_find

EXCLUDED_PEOPLE: Final = "/excluded_people"
"""The field whose last change is the end of an exclusion. It does not say of whom."""


class ExcludedRelation(StrEnum):
    """What the excluded person is to the person who excludes them."""

    PARTNER = "partner"
    FORMER_PARTNER = "former_partner"
    PARENT = "parent"
    CHILD = "child"
    SIBLING = "sibling"
    OTHER_RELATIVE = "other_relative"
    NOT_A_RELATIVE = "not_a_relative"


def may_be_same(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two people with these given and family names may be one: all words of one name are in the other."""
    return _is_within(one, other) or _is_within(other, one)


def _is_within(part: tuple[str, str], whole: tuple[str, str]) -> bool:
    found = words_to_find(*whole)
    return any(reading and reading <= found for reading in name_readings(" ".join(part)))
