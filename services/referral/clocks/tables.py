"""Rows that say when something is due."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from services.referral.database import Table, is_one_of, moment


class TimerKind(StrEnum):
    """What is due. `subject_id` is an offer for the first two, a referral for others, a need where it says so."""

    OFFER_REMINDER = "offer_reminder"
    OFFER_EXPIRY = "offer_expiry"
    ROUTING_DEADLINE = "routing_deadline"
    """No offer has been made in time."""
    HOUSEHOLD_DEADLINE = "household_deadline"
    """A household is still incomplete."""
    WAITLIST_DEADLINE = "waitlist_deadline"
    """No place has come free in time."""
    START_DEADLINE = "start_deadline"
    """An accepted service has not begun in time."""
    REPORT_DEADLINE = "report_deadline"
    """A service that began has no outcome in time."""
    ACKNOWLEDGE_DEADLINE = "acknowledge_deadline"
    """An offer has not been acknowledged in time."""
    OWNER_SILENCE = "owner_silence"
    """The owner of a need has given no sign of life in time. Of a need."""
    SEARCH_DEADLINE = "search_deadline"
    """It is time to look again for a person who could not be found."""
    STAY_ALARM = "stay_alarm"
    """The end of a stay comes nearer."""
    STAY_END = "stay_end"
    """A stay is as long as it may be."""
    START_REMINDER = "start_reminder"
    """An accepted service is awaited. Of a referral."""
    REPORT_REMINDER = "report_reminder"
    """The outcome of a service is awaited. Of a referral."""


REMINDERS: Final = frozenset({TimerKind.OFFER_REMINDER, TimerKind.START_REMINDER, TimerKind.REPORT_REMINDER})
"""Clocks at which somebody is told again and nothing is decided: a need is not attended by these alone."""


class TimerRow(Table, table=True):
    """One thing that becomes due; deleted when it has fired or no longer matters."""

    __tablename__ = "timer"
    __table_args__ = (CheckConstraint(is_one_of("kind", TimerKind), name="kind"),)

    subject_id: UUID = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    nth: int = Field(primary_key=True, default=0)
    """Which one of several of its kind, such as the second reminder."""
    returnee_id: UUID
    due_at: datetime = moment(index=True)
    traceparent: str | None = None
