"""The list of the erased, as this database remembers it."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from services.registration.database import Table, moment


class Erasure(Table, table=True):
    """The erased as this database remembers them; the list in the database of keys is replayed against it."""

    __tablename__ = "erasure"

    returnee_id: UUID = Field(primary_key=True)
    erased_at: datetime = Field(sa_column=moment())
