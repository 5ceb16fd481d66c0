"""The states of an arrival batch and the rules for its intake (pure)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class BatchStatus(StrEnum):
    """The status of an arrival batch. `referenced`: it is known only because an arriving person names it."""

    REFERENCED = "referenced"
    ANNOUNCED = "announced"
    LANDED = "landed"
    INTAKE_COMPLETED = "intake_completed"


class BatchStep(StrEnum):
    """The steps of a batch. Announcements and landings arrive in any order and may be repeated."""

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


class CancelReason(StrEnum):
    """Why a flight or bus does not come."""

    NOT_DEPARTED = "not_departed"
    DIVERTED_ABROAD = "diverted_abroad"
    ENTERED_IN_ERROR = "entered_in_error"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class IntakeCounts:
    """The progress of the intake of a batch."""

    people_count: int | None
    """The number of people who arrived; None before landing."""
    registered_count: int
    entries_count: int
    open_count: int
    """Entries neither registered nor marked absent."""
    open_wristbands: int = 0
    """People who have a wristband and are not registered yet."""

    @property
    def is_complete(self) -> bool:
        """Whether nobody else is expected: no entry is open, or all people who landed are registered. A person who
        has a wristband is here, so they are expected whatever the numbers say."""
        if self.people_count is None or self.open_wristbands:
            return False
        everybody_accounted_for = self.entries_count > 0 and self.open_count == 0
        everybody_registered = self.registered_count >= self.people_count > 0
        return everybody_accounted_for or everybody_registered

    @property
    def may_be_completed(self) -> bool:
        """Whether staff may declare it complete: it has landed, nobody has a wristband without being registered, and
        no entry is open or all people who landed are registered."""
        return self.people_count is not None and not self.open_wristbands and (self.open_count == 0 or self.is_complete)


SAME_JOURNEY = timedelta(days=3)
"""The greatest difference between two arrival times of the same flight or bus. A delay may be days, but not a week."""


@dataclass(frozen=True, slots=True)
class Journey:
    """The facts that distinguish one flight or bus from another: mode, place and times. Unknown facts are None."""

    mode: str | None
    reception_place: str | None
    times: tuple[datetime, ...]
    """The expected and the actual time of arrival, as far as they are known."""


def is_another_journey(known: Journey, told: Journey) -> bool:
    """Whether the new facts, as far as they are stated, contradict the flight or bus that is known to have arrived."""
    apart = [abs(one - other) for one in known.times for other in told.times]
    if apart and min(apart) > SAME_JOURNEY:
        return True
    pairs = ((known.mode, told.mode), (known.reception_place, told.reception_place))
    return any(None not in pair and pair[0] != pair[1] for pair in pairs)


def place_of(told: str, known: str | None, *, diverted_from: str | None) -> str:
    """The expected place after an announcement. A sender who does not know of a diversion does not undo it."""
    return known if known is not None and told == diverted_from else told


def comes_too_late(told_at: datetime, newest: datetime | None) -> bool:
    """Whether a newer message has already been processed, so that this one is out of date."""
    return newest is not None and told_at < newest


def manifest_until(came_at: datetime, *, taken_at: datetime, days: int) -> datetime:
    """Until when the names of announced people are kept: `days` after the arrival, or after the manifest came if that
    is later."""
    return max(came_at, taken_at) + timedelta(days=days)
