"""The states of access in an emergency (pure)."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

WORDS_MAX: Final = 2000


class EmergencyReason(StrEnum):
    """The vital interest. There is no other reason."""

    MEDICAL_EMERGENCY = "medical_emergency"
    DANGER_OF_VIOLENCE = "danger_of_violence"
    SUICIDE_RISK = "suicide_risk"
    CHILD_IN_DANGER = "child_in_danger"
    MISSING_IN_DANGER = "missing_in_danger"


class Decision(StrEnum):
    """What the second person decided."""

    APPROVED = "approved"
    REFUSED = "refused"


class Verdict(StrEnum):
    """What the data protection officer found."""

    JUSTIFIED = "justified"
    JUSTIFIED_READ_TOO_MUCH = "justified_read_too_much"
    NOT_JUSTIFIED = "not_justified"


class EmergencyState(StrEnum):
    """Where an emergency is at a moment. It follows from the decision and the times."""

    WAITING = "waiting"
    OPEN = "open"
    REFUSED = "refused"
    LAPSED = "lapsed"
    """Nobody decided in time."""
    ENDED = "ended"


def state_of(
    decision: str | None, *, asked_at: datetime, ends_at: datetime | None, approve_within: timedelta, at: datetime
) -> EmergencyState:
    """The state at a moment. Access ends by itself."""
    if decision is None:
        return EmergencyState.WAITING if at < asked_at + approve_within else EmergencyState.LAPSED
    if decision == Decision.REFUSED or ends_at is None:
        return EmergencyState.REFUSED
    return EmergencyState.OPEN if at < ends_at else EmergencyState.ENDED
