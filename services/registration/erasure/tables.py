"""The list of erased people in this database, and the case codes that are never assigned again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Index, Text, text
from sqlmodel import Field

from services.registration.database import Table, moment, sealed


class Erasure(Table, table=True):
    """An erased person, as recorded in this database. Erasures on the list in the database of keys are repeated
    here."""

    __tablename__ = "erasure"
    __table_args__ = (Index("erasure_of_arrival", "arrival_key", postgresql_where=text("arrival_key IS NOT NULL")),)

    returnee_id: UUID = Field(primary_key=True)
    erased_at: datetime = Field(sa_column=moment())
    arrival_key: bytes | None = Field(default=None, sa_column=sealed())
    """The keyed hash of sender and reference, so that a repeated arrival registers nobody. It is deleted after some
    days."""


class SpentCaseCode(Table, table=True):
    """The case code of an erased person. It does not say whose it was, and nobody else gets it."""

    __tablename__ = "spent_case_code"

    case_code: str = Field(sa_column=Column(Text, primary_key=True))
