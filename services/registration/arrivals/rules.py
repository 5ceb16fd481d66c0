"""The life of an arrival batch (pure)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class BatchStatus(StrEnum):
    """How far an arrival batch has come. `referenced`: a person came who names a batch not yet heard of."""

    REFERENCED = "referenced"
    ANNOUNCED = "announced"
    LANDED = "landed"
    INTAKE_COMPLETED = "intake_completed"


class BatchStep(StrEnum):
    """What happens to a batch; announcements and landings come in any order and more than once."""

    ANNOUNCE = "announce"
    LAND = "land"
    COMPLETE_INTAKE = "complete_intake"


NEXT_STATUS: dict[tuple[BatchStatus, BatchStep], BatchStatus] = {
    (BatchStatus.REFERENCED, BatchStep.ANNOUNCE): BatchStatus.ANNOUNCED,
    (BatchStatus.ANNOUNCED, BatchStep.ANNOUNCE): BatchStatus.ANNOUNCED,
    (BatchStatus.LANDED, BatchStep.ANNOUNCE): BatchStatus.LANDED,
    (BatchStatus.INTAKE_COMPLETED, BatchStep.ANNOUNCE): BatchStatus.INTAKE_COMPLETED,
    (BatchStatus.REFERENCED, BatchStep.LAND): BatchStatus.LANDED,
    (BatchStatus.ANNOUNCED, BatchStep.LAND): BatchStatus.LANDED,
    (BatchStatus.LANDED, BatchStep.LAND): BatchStatus.LANDED,
    (BatchStatus.INTAKE_COMPLETED, BatchStep.LAND): BatchStatus.INTAKE_COMPLETED,
    (BatchStatus.LANDED, BatchStep.COMPLETE_INTAKE): BatchStatus.INTAKE_COMPLETED,
}


@dataclass(frozen=True, slots=True)
class IntakeCounts:
    """How far the intake of a batch is."""

    people_count: int | None
    """How many got off; None before landing."""
    registered_count: int
    entries_count: int
    open_count: int
    """Entries neither registered nor marked absent."""

    @property
    def is_complete(self) -> bool:
        """Whether nobody is waited for: everybody announced is accounted for, or as many as landed are registered."""
        if self.people_count is None:
            return False
        everybody_accounted_for = self.entries_count > 0 and self.open_count == 0
        everybody_registered = self.registered_count >= self.people_count > 0
        return everybody_accounted_for or everybody_registered

    @property
    def may_be_completed(self) -> bool:
        """Whether a person may declare it complete: landed, and no entry of the manifest is open."""
        return self.people_count is not None and (self.open_count == 0 or self.is_complete)


SAME_JOURNEY = timedelta(days=3)
"""How far apart two tellings of one flight or bus may put its arrival: it may be late by days, not by a week."""


@dataclass(frozen=True, slots=True)
class Journey:
    """What tells one flight or bus from another one: how, where and when it comes. What is not known is None."""

    mode: str | None
    reception_place: str | None
    times: tuple[datetime, ...]
    """When it was expected and when it came, as far as that is known."""


def is_another_journey(known: Journey, told: Journey) -> bool:
    """Whether what is told now, as far as it is told, cannot be the flight or bus that is known to have come."""
    apart = [abs(one - other) for one in known.times for other in told.times]
    if apart and min(apart) > SAME_JOURNEY:
        return True
    pairs = ((known.mode, told.mode), (known.reception_place, told.reception_place))
    return any(None not in pair and pair[0] != pair[1] for pair in pairs)


def comes_too_late(told_at: datetime, newest: datetime | None) -> bool:
    """Whether something newer has been told before this came: then this is out of date."""
    return newest is not None and told_at < newest


def manifest_until(came_at: datetime, *, taken_at: datetime, days: int) -> datetime:
    """Until when the names of people announced are kept: `days` after they came, or after they were told if later."""
    return max(came_at, taken_at) + timedelta(days=days)
