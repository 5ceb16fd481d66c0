"""Why a person withholds something."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from services.registration.database import Table, moment, one_of, sealed
from services.registration.withholding.rules import About


class WithholdingReason(Table, table=True):
    """The reason of one exclusion, or of one refusal to share. A row exists only if the person said it."""

    __tablename__ = "withholding_reason"
    __table_args__ = (one_of("about", list(About), name="withholding_reason_about"),)

    returnee_id: UUID = Field(primary_key=True, foreign_key="returnee.id")
    about: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    """The organisation, place, country or purpose."""
    told_sealed: bytes = Field(sa_column=sealed(nullable=False))
    """Reason and words as JSON, under the person's key."""
    told_at: datetime = Field(sa_column=moment())
