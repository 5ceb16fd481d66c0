"""How an erasure is shown."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel


class ErasureView(BaseModel):
    """A person has been erased."""

    returnee_id: UUID
    erased_at: datetime
