"""What may become of a part that was set aside (pure)."""

from enum import StrEnum

NEEDS = "/needs"
"""Where parts of needs stand; any of them may be of a restricted one."""


class Closing(StrEnum):
    """What a person has done about it."""

    MENDED = "mended"
    """What it meant has been taken down by the ordinary way."""
    DISCARDED = "discarded"


class ClosingReason(StrEnum):
    """Why."""

    ASKED_THE_PERSON = "asked_the_person"
    ASKED_THE_SENDER = "asked_the_sender"
    TOLD_AGAIN = "told_again"
    NOT_MEANT = "not_meant"
    CANNOT_BE_KNOWN = "cannot_be_known"
    ERASED = "erased"
