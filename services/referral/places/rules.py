"""What places are for an offer. Pure."""

from enum import StrEnum


class HoldStatus(StrEnum):
    """What an offer's places are now."""

    HELD = "held"
    TAKEN = "taken"
    RELEASED = "released"
