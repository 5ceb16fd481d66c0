"""The codes of a search. Pure."""

from enum import StrEnum


class SearchChannel(StrEnum):
    """How staff tried to reach the person. It is never the address itself."""

    SMS = "sms"
    CALL = "call"
    EMAIL = "email"
    RELAY = "relay"
    """A trusted person or organisation passed a message on."""
    VISIT = "visit"


class SearchResult(StrEnum):
    """The result of an attempt."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    WILL_RETURN = "will_return"
    """The person was not there, but is said to come back."""
