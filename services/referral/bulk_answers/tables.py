"""What one call of many answers came to, kept as long as its Idempotency-Key: a call sent again is told the same."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field

from services.referral.database import Table, document, moment


class BulkAnswerRow(Table, table=True):
    """What became of one answer of a call. What the answer did is in the record of steps, for ever."""

    __tablename__ = "bulk_answer"

    call_id: UUID = Field(primary_key=True)
    nth: int = Field(primary_key=True)
    """Its place in the call, from 0 on."""
    offer_id: UUID
    status: int
    """As the answer would have had it in a call of its own: 200, 404, 409 or 422."""
    problem: dict[str, Any] | None = document()
    """The problem document of a refused answer."""
    kept_until: datetime = moment(index=True)
    """In real time, as the keys of requests are."""
    organization_id: UUID | None = None
    """Who called; None of a call from before this column, of which nothing was taken."""
