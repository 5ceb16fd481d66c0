"""The states of a review. Pure."""

from enum import StrEnum


class ReviewStatus(StrEnum):
    """The states of a review."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    RESOLVED = "resolved"
    """A person has examined a broken promise."""
