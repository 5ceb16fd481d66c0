"""What a person may withhold, and the faults of a reason for it (pure)."""

from collections.abc import Collection
from enum import StrEnum

from libs.chassis.errors import FieldError
from services.registration.protection import OTHER_REASON

WORDS_MAX = 2000


class About(StrEnum):
    """What a reason is about."""

    ORGANIZATION = "organization"
    """An organisation that the person excludes, by its id."""
    PLACE = "place"
    COUNTRY = "country"
    PURPOSE = "purpose"
    """A purpose for which the person allows no sharing."""


def reason_faults(reason: str | None, words: str | None, *, known: Collection[str]) -> list[FieldError]:
    """The faults of a reason that the pack does not list, and of words without the reason that may have them."""
    faults = []
    if reason is not None and reason not in known:
        faults.append(FieldError("/reason", "known-reason", "The pack has no reason with this code."))
    if words is not None and reason != OTHER_REASON:
        faults.append(FieldError("/reason_words", "only-with-other", "Only the reason `other` may have words."))
    return faults
