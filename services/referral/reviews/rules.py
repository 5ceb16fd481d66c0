"""Where a review stands. Pure."""

from enum import StrEnum


class ReviewStatus(StrEnum):
    """Where a review stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    RESOLVED = "resolved"
    """A person has looked into a broken promise."""
