"""Absences, and the conditions for a new absence. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class AbsenceReason(StrEnum):
    """Why a desk is absent."""

    LEAVE = "leave"
    HOLIDAY = "holiday"
    ILLNESS = "illness"
    TRAINING = "training"
    SHIFT_ENDS = "shift_ends"
    OTHER = "other"


class Absence(NamedTuple):
    """A desk, its deputy, and the period in which the deputy sees the desk's work."""

    desk: str
    deputy: str
    starts_at: datetime
    ends_at: datetime


def overlaps(known: Iterable[Absence], new: Absence) -> bool:
    """True if the desk is already absent in a part of that period."""
    return any(one.desk == new.desk and _common(one, new.starts_at, new.ends_at) for one in known)


def makes_a_circle(known: Sequence[Absence], new: Absence) -> bool:
    """True if at any time the chain of deputies would lead from the new deputy back to the desk."""

    def leads_back(desk: str, starts_at: datetime, ends_at: datetime) -> bool:
        if desk == new.desk:
            return True
        onward = [(one, _common(one, starts_at, ends_at)) for one in known if one.desk == desk]
        return any(leads_back(one.deputy, *common) for one, common in onward if common is not None)

    return leads_back(new.deputy, new.starts_at, new.ends_at)


def _common(one: Absence, starts_at: datetime, ends_at: datetime) -> tuple[datetime, datetime] | None:
    start, end = max(one.starts_at, starts_at), min(one.ends_at, ends_at)
    return (start, end) if start < end else None
