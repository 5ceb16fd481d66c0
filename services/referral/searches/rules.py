"""The coded words of a search. Pure."""

from enum import StrEnum


class SearchChannel(StrEnum):
    """How somebody tried to reach the person; never the address itself."""

    SMS = "sms"
    CALL = "call"
    EMAIL = "email"
    RELAY = "relay"
    """A trusted person or organisation passed the word on."""
    VISIT = "visit"


class SearchResult(StrEnum):
    """What an attempt led to."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    WILL_RETURN = "will_return"
    """Somebody knows of the person and says that they will come back."""
