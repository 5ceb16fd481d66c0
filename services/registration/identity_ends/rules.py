"""When the identity data of a person have reached their end (pure; domain P20)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

EXTENSION_DAYS_MAX: Final = 1825
RECHECK_AFTER: Final = timedelta(days=1)
"""How often people on the list are checked again: something may have happened to them since."""


class ExtensionReason(StrEnum):
    """Why identity data are kept longer."""

    CASE_CONTINUES = "case_continues"
    PERSON_ASKED = "person_asked"
    LEGAL_CLAIM = "legal_claim"
    ORDER_OF_COURT = "order_of_court"
    FAMILY_TRACING = "family_tracing"


@dataclass(frozen=True, slots=True)
class Life:
    """The facts of one record that decide about its end."""

    last_at: datetime
    """The last arrival, change, or end of an organisation's access."""
    kept_until: datetime | None = None
    """The end of the longest extension."""
    is_open: bool = False
    """True while an organisation may read the data, or the request of an authority waits for its answer."""


def counts_from(records: Iterable[Life], *, at: datetime, days: int) -> datetime:
    """The moment from which the days count, over all records of one person. An extension moves it, so that its end is
    the end of the data, and so does whatever is still open."""
    return max(_of_record(one, at=at, days=days) for one in records)


def is_due(since: datetime, *, at: datetime, days: int) -> bool:
    """Whether the days are over."""
    return since <= ended_before(at, days=days)


def ended_before(at: datetime, *, days: int) -> datetime:
    """Who counts from this moment or an earlier one is due."""
    return at - timedelta(days=days)


def _of_record(one: Life, *, at: datetime, days: int) -> datetime:
    moments = [one.last_at]
    if one.is_open:
        moments.append(at)
    if one.kept_until is not None:
        moments.append(one.kept_until - timedelta(days=days))
    return max(moments)
