"""The view of an erasure."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel


class ErasureView(BaseModel):
    """The erasure of a person."""

    returnee_id: UUID
    erased_at: datetime
