"""The list of the erased, as this database remembers it, and the case codes that nobody gets again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Index, Text, text
from sqlmodel import Field

from services.registration.database import Table, moment, sealed


class Erasure(Table, table=True):
    """The erased as this database remembers them; the list in the database of keys is replayed against it."""

    __tablename__ = "erasure"
    __table_args__ = (Index("erasure_of_arrival", "arrival_key", postgresql_where=text("arrival_key IS NOT NULL")),)

    returnee_id: UUID = Field(primary_key=True)
    erased_at: datetime = Field(sa_column=moment())
    arrival_key: bytes | None = Field(default=None, sa_column=sealed())
    """The keyed hash of sender and reference, so that the arrival told again registers nobody; forgotten after days."""


class SpentCaseCode(Table, table=True):
    """A case code that an erased person had: whose it was is not known, and nobody gets it again."""

    __tablename__ = "spent_case_code"

    case_code: str = Field(sa_column=Column(Text, primary_key=True))
