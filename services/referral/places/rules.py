"""The states of the places of an offer. Pure."""

from enum import StrEnum


class HoldStatus(StrEnum):
    """The state of an offer's places."""

    HELD = "held"
    TAKEN = "taken"
    RELEASED = "released"
