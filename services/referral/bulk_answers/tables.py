"""Results of calls with many answers. They are kept as long as the Idempotency-Key, so that a repeated call gets the
same response."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field

from services.referral.database import Table, document, moment


class BulkAnswerRow(Table, table=True):
    """The result of one answer of a call. What the answer changed is recorded permanently in the steps."""

    __tablename__ = "bulk_answer"

    call_id: UUID = Field(primary_key=True)
    nth: int = Field(primary_key=True)
    """The position of the answer in the call, from 0."""
    offer_id: UUID
    status: int
    """The HTTP status that the answer would have had in its own request: 200, 404, 409 or 422."""
    problem: dict[str, Any] | None = document()
    """The problem document of a refused answer."""
    kept_until: datetime = moment(index=True)
    """In real time, as for the idempotency keys of requests."""
    organization_id: UUID | None = None
    """The organisation of the caller. None for calls from before this column existed."""
