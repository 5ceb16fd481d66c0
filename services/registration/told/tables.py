"""How often what was answered was asked again."""

from uuid import UUID

from sqlalchemy import BigInteger, Column
from sqlmodel import Field

from services.registration.database import Table


class AskedAgain(Table, table=True):
    """How often one organisation wanted to ask one question that had been answered. It contains no person."""

    __tablename__ = "asked_again"

    organization_id: UUID = Field(primary_key=True)
    """The nil UUID for the network's own staff."""
    instrument: str = Field(primary_key=True)
    question: str = Field(primary_key=True)
    times: int = Field(sa_column=Column(BigInteger, nullable=False))
