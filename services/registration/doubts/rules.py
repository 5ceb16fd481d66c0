"""How a doubtful part can be closed (pure)."""

from enum import StrEnum

NEEDS = "/needs"
"""The pointer prefix of parts about needs. Any of them may be about a restricted need."""


class Closing(StrEnum):
    """What staff have done about a part."""

    MENDED = "mended"
    """The correct data were entered through the usual routes."""
    DISCARDED = "discarded"


class ClosingReason(StrEnum):
    """Why a part was closed in this way."""

    ASKED_THE_PERSON = "asked_the_person"
    ASKED_THE_SENDER = "asked_the_sender"
    TOLD_AGAIN = "told_again"
    NOT_MEANT = "not_meant"
    CANNOT_BE_KNOWN = "cannot_be_known"
    ERASED = "erased"
