"""When a packet is open (pure). Domain P18."""

from datetime import datetime, timedelta


def closes_at(closed_at: datetime, *, days_after: int) -> datetime:
    """Until when an accepted offer opens its packet, once it has ended."""
    return closed_at + timedelta(days=days_after)


def is_closed(until: datetime | None, *, at: datetime) -> bool:
    """Whether a packet is closed at a moment; one that has no end yet is open."""
    return until is not None and at >= until
