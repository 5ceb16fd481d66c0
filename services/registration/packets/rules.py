"""The rules for when a packet is open (pure). Domain P18."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Protocol

from libs.events.codes import PublicationStatus


class Dated(Protocol):
    """A licence or agreement for a category."""

    @property
    def category(self) -> str:
        """The category for which it is valid."""
        ...

    @property
    def valid_until(self) -> date:
        """Its last day."""
        ...


def closes_at(closed_at: datetime, *, days_after: int) -> datetime:
    """The time until which an accepted offer opens its packet after it has ended."""
    return closed_at + timedelta(days=days_after)


def is_closed(until: datetime | None, *, at: datetime) -> bool:
    """Whether a packet is closed at a moment. A packet without an end is open."""
    return until is not None and at >= until


def may_serve(*, status: str, valid_until: Mapping[str, str], category: str, on: date) -> bool:
    """Whether an organisation may serve people of a category on a day: it is active, and licence and agreement are
    valid."""
    last_day = valid_until.get(category)
    return status == PublicationStatus.ACTIVE and last_day is not None and date.fromisoformat(last_day) >= on


def last_days(accreditations: Iterable[Dated], agreements: Iterable[Dated]) -> dict[str, str]:
    """The last day on which both a licence and an agreement are valid, by category."""
    licensed, agreed = _latest(accreditations), _latest(agreements)
    return {category: min(licensed[category], agreed[category]).isoformat() for category in licensed.keys() & agreed}


def _latest(given: Iterable[Dated]) -> dict[str, date]:
    latest: dict[str, date] = {}
    for one in given:
        latest[one.category] = max(one.valid_until, latest.get(one.category, one.valid_until))
    return latest
